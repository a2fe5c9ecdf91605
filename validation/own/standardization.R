# Direct and indirect standardization. Usage: see record.R.
suppressMessages({library(epitools); library(survival); library(MASS)})
source("validation/own/record.R")
nhanes <- read("nhanes"); rotterdam <- read("rotterdam"); lung <- read("lung")
population <- function(name) read.csv(file.path("src/dermcohort/populations", paste0(name, ".csv")), comment.char = "#")
# people of a standard in bands [lower[i], lower[i + 1]), the last one open unless `end` is given
people <- function(name, lower, end = Inf, sex = NULL) {
  p <- population(name); if (!is.null(sex)) p <- p[p$sex == sex, ]
  upper <- c(lower[-1], end); sapply(seq_along(lower), function(i) sum(p$population[p$age_low >= lower[i] & p$age_low < upper[i]]))
}
# Tiwari, Clegg & Zou (2006): one case more of mean weight, mean squared weight
tiwari <- function(x, n, s, level = .95) {
  w <- s / sum(s) / n; y <- sum(w * x); v <- sum(w^2 * x); y2 <- y + mean(w); v2 <- v + mean(w^2); a <- (1 - level) / 2
  c(lo = qgamma(a, y^2 / v, scale = v / y), hi = qgamma(1 - a, y2^2 / v2, scale = v2 / y2))
}
# Fay & Kim (2017): the equal mixture of the two gamma distributions of Fay & Feuer
midp_gamma <- function(x, n, s, level = .95) {
  w <- s / sum(s) / n; y <- sum(w * x); v <- sum(w^2 * x); y2 <- y + max(w); v2 <- v + max(w)^2
  below <- function(q) (if (y > 0) pgamma(q, y^2 / v, scale = v / y) else 1) + pgamma(q, y2^2 / v2, scale = v2 / y2)
  limit <- function(p) if (y == 0 && p <= .5) 0 else uniroot(function(q) below(q) / 2 - p, c(y * 1e-9, y2 * 50), tol = 1e-16 * y2, maxiter = 1e4)$root
  a <- (1 - level) / 2; c(lo = limit(a), hi = limit(1 - a))
}
wald <- function(x, n, s, binomial) {
  w <- s / sum(s); p <- x / n; se <- sqrt(sum(w^2 * (if (binomial) p * (1 - p) else p) / n)); y <- sum(w * p)
  c(rate = y, se = se, lo = y - qnorm(.975) * se, hi = y + qnorm(.975) * se)
}
midp_poisson <- function(x) {
  f <- function(mu, p) ppois(x, mu, lower.tail = FALSE) + dpois(x, mu) / 2 - p
  root <- function(p) uniroot(f, c(1e-9, 5 * x + 20), p = p, tol = 1e-15, maxiter = 1e4)$root
  c(lo = if (x == 0) 0 else root(.025), hi = root(.975))
}
chol <- na.omit(nhanes[c("HI_CHOL", "race", "agecat", "RIAGENDR")])
chol$agecat <- factor(chol$agecat, c("(0,19]", "(19,39]", "(39,59]", "(59,Inf]"))
x <- table(chol$agecat, chol$HI_CHOL)[, "1"]; n <- table(chol$agecat)
x3 <- with(subset(chol, race == 3), tapply(HI_CHOL, agecat, sum)); n3 <- with(subset(chol, race == 3), table(agecat))
xs <- with(chol, tapply(HI_CHOL, list(RIAGENDR, agecat), sum)); ns <- with(chol, table(RIAGENDR, agecat))
first <- c(0, 20, 40, 60)
# Down syndrome by mother's age, fifth and later births (Fleiss 1981, table 14.4)
down_x <- c(0, 8, 63, 112, 262, 295); down_n <- c(327, 30666, 123419, 149919, 104088, 34392)
down_s <- c(319933, 931318, 786511, 488235, 237863, 61313)
# recurrence-free deaths a person-year in the Rotterdam data, bands of ten years of age
rotterdam$band <- cut(rotterdam$age, c(0, 40, 50, 60, 70, Inf), right = FALSE); rotterdam$years <- rotterdam$dtime / 365.25
rx <- tapply(rotterdam$death, rotterdam$band, sum); rn <- tapply(rotterdam$years, rotterdam$band, sum)
# one year of age in single-year cells of the census of 2010, people aged 39 to 82 in bands of five
lung$died <- lung$status - 1; lung$five <- pmax(lung$age %/% 5 * 5, min(lung$age))
lx <- tapply(lung$died, lung$five, sum); ln <- table(lung$five)
ls <- with(population("china-2010"), sapply(split(sort(unique(lung$five)), sort(unique(lung$five))), function(f) sum(population[age_low >= f & age_low %/% 5 == f %/% 5 & age_low <= max(lung$age)])))
record("own.std.who", "Direct, gamma, WHO", "nhanes", "ageadjust.direct(x, n, stdpop = people('who-2000-2025', first))", "epitools")
record("own.std.segi.race3", "Direct, gamma, Segi, one group", "nhanes", "ageadjust.direct(x3, n3, stdpop = people('segi', first))", "epitools")
record("own.std.china2020.90", "Direct, gamma, China 2020, 90%", "nhanes", "ageadjust.direct(x, n, stdpop = people('china-2020', first), conf.level = .9)", "epitools")
record("own.std.china2010.sex", "Direct, gamma, by age and sex", "nhanes", "ageadjust.direct(c(xs['1', ], xs['2', ]), c(ns['1', ], ns['2', ]), stdpop = c(people('china-2010', first, sex = 'male'), people('china-2010', first, sex = 'female')))", "epitools")
record("own.std.ages", "Direct, gamma, ages as numbers, single years in fives", "lung", "ageadjust.direct(lx, ln, stdpop = ls)", "epitools")
record("own.std.rate", "Direct, gamma, person-years", "rotterdam", "ageadjust.direct(rx, rn, stdpop = c(sum(people('who-2000-2025', c(0, 40))[1]), people('who-2000-2025', c(40, 50, 60, 70))))", "epitools")
record("own.std.tiwari", "Direct, Tiwari", "nhanes", "tiwari(x, n, people('who-2000-2025', first))")
record("own.std.tiwari.down", "Direct, Tiwari", "Down syndrome, fifth births", "tiwari(down_x, down_n, down_s)")
record("own.std.midp", "Direct, mid-P", "nhanes", "midp_gamma(x, n, people('who-2000-2025', first))")
record("own.std.midp.down", "Direct, mid-P", "Down syndrome, fifth births", "midp_gamma(down_x, down_n, down_s)")
record("own.std.midp.zero", "Direct, mid-P, no case", "40, 60 and 100 people", "midp_gamma(c(0, 0, 0), c(40, 60, 100), c(3, 2, 1))")
record("own.std.normal", "Direct, normal, Poisson variance", "rotterdam", "wald(rx, rn, c(people('who-2000-2025', c(0, 40))[1], people('who-2000-2025', c(40, 50, 60, 70))), FALSE)")
record("own.std.wald", "Direct, Wald, binomial variance", "nhanes", "wald(x, n, people('who-2000-2025', first), TRUE)")
# Insurance claims (MASS) of districts 2 to 4 at the rates of district 1, by age; bands named for the test
ins <- aggregate(cbind(Claims, Holders) ~ Age + (District == 1), Insurance, sum); names(ins)[2] <- "reference"
claims <- ins$Claims[!ins$reference]; holders <- ins$Holders[!ins$reference]; claims1 <- ins$Claims[ins$reference]; holders1 <- ins$Holders[ins$reference]
record("own.ins", "counts by age: others, district 1", "MASS::Insurance", "c(claims = claims, holders = holders, claims1 = claims1, holders1 = holders1)", "MASS")
record("own.smr.ins", "Indirect, log-normal, and standardized rate", "MASS::Insurance", "local({a <- ageadjust.indirect(claims, holders, claims1, holders1); c(a$sir, a$rate)})", c("epitools", "MASS"))
record("own.smr.exact", "Indirect, exact", "MASS::Insurance", "local({e <- sum(claims1 / holders1 * holders); o <- sum(claims); c(smr = o / e, poisson.test(o, e)$conf.int)})", "MASS")
# Rotterdam deaths in ten-year bands at US rates of women, 1990 (survexp.us: per day), age as at surgery
rate90 <- function(age) 365.25 * survexp.us[age + 1, "female", "1990"]
record("own.us.rates", "US yearly hazard, women, 1990, ages 20 to 90", "survexp.us", "unname(rate90(20:90))", "survival")
record("own.smr.us", "SMR at single-year rates: observed, expected, exact", "rotterdam, survexp.us", "local({o <- sum(rotterdam$death); e <- sum(rotterdam$years * rate90(rotterdam$age)); c(observed = o, expected = e, smr = o / e, poisson.test(o, e)$conf.int)})", "survival")
record("own.smr.midp", "Poisson mid-P, 17 events, 12.4 expected", "O=17, E=12.4", "midp_poisson(17) / 12.4")
record("own.smr.midp0", "Poisson mid-P, no event, 3.2 expected", "O=0, E=3.2", "midp_poisson(0) / 3.2")
record("own.smr.byar.90", "Byar, 90%", "O=5, E=2.5", "unlist(pois.byar(5, 2.5, conf.level = .9)[c('rate', 'lower', 'upper')])", "epitools")
# prevalence of high cholesterol in race 3 at that of the others, by age and sex
o <- subset(chol, race == 3); r <- subset(chol, race != 3); rp <- with(r, tapply(HI_CHOL, list(RIAGENDR, agecat), mean))
record("own.spr", "Indirect prevalence by age and sex, exact", "nhanes", "local({e <- sum(rp[cbind(o$RIAGENDR, o$agecat)]); x <- sum(o$HI_CHOL); c(observed = x, expected = e, spr = x / e, poisson.test(x, e)$conf.int, rate = x / e * mean(r$HI_CHOL))})")
finish("standardization")
