# Person-time split on several scales, and rates compared. Usage: see record.R.
suppressMessages({library(Epi); library(survival); library(metafor)})
source("validation/own/record.R")
colon <- subset(read("colon"), etype == 2); veteran <- read("veteran"); lung <- read("lung")
colon$old <- as.integer(colon$age >= 60); colon$years <- colon$time / 365.25
dm <- read("dmlate")
for (v in c("birth", "diagnosis", "exit")) dm[[v]] <- 1970 + dm[[v]] / 365.25
dm <- subset(dm, exit > diagnosis)
january <- function(y) as.numeric(cal.yr(as.Date(paste0(y, "-01-01"))))
sink(nullfile())
L <- Lexis(entry = list(period = diagnosis, age = diagnosis - birth, follow_up = 0), exit = list(period = exit), exit.status = dead, data = dm)
S <- splitLexis(splitLexis(splitLexis(L, "age", breaks = seq(40, 80, 10)), "period", breaks = january(c(2000, 2005, 2008))), "follow_up", breaks = c(1, 2.5, 5))
sink()
S$middle.age <- timeBand(S, "age", "left"); S$middle.period <- timeBand(S, "period", "left"); S$middle.follow <- timeBand(S, "follow_up", "left")
by <- function(band) c(tapply(dur(S), band, sum), tapply(status(S, "exit"), band, sum))

record("own.lexis.n", "splitLexis on three scales: episodes", "dmlate", "nrow(S)", "Epi")
record("own.lexis.age", "person-years and deaths by age, of episodes split on three scales", "dmlate", "by(S$middle.age)", "Epi")
record("own.lexis.period", "person-years and deaths by period, of episodes split on three scales", "dmlate", "by(S$middle.period)", "Epi")
record("own.lexis.follow.up", "person-years and deaths by time since entry, of episodes split on three scales", "dmlate", "by(S$middle.follow)", "Epi")
record("own.lexis.cells", "person-years of sex x age x period", "dmlate", "as.vector(tapply(dur(S), list(S$middle.period, S$middle.age, S$sex), sum))", "Epi")
record("own.pyears.tcut", "pyears of tcut(age)", "lung", "local({p <- pyears(Surv(time, status - 1) ~ tcut(age * 365.25, c(0, 50, 60, 70, 100) * 365.25), lung, scale = 365.25); c(p$pyears, p$event)})", "survival")
record("own.pyears.sex", "pyears of tcut(age) and sex", "lung", "local({p <- pyears(Surv(time, status - 1) ~ tcut(age * 365.25, c(0, 55, 65, 100) * 365.25) + sex, lung, scale = 365.25); c(p$pyears, p$event)})", "survival")

two <- function(d, time, event, group) { g <- sort(unique(d[[group]])); x <- tapply(d[[event]], d[[group]], sum); t <- tapply(d[[time]], d[[group]], sum); list(x = as.numeric(x[2:1]), t = as.numeric(t[2:1])) }
exact <- function(x, t, level = .95) { p <- poisson.test(x, t, conf.level = level); c(p$estimate, p$conf.int, p$p.value) }
# mid-P: Rothman & Greenland (1998), as epitools::rateratio.midp, whose own search stops at 1e-4; solved to the end here
midp <- function(x, t, level = .95) { n <- sum(x); a <- (1 - level) / 2
  less <- function(p) pbinom(x[1] - 1, n, p) + dbinom(x[1], n, p) / 2
  more <- function(p) pbinom(x[1], n, p, lower.tail = FALSE) + dbinom(x[1], n, p) / 2
  solve <- function(f) exp(uniroot(function(b) log(f(plogis(b))) - log(a), c(-30, 30), tol = 1e-14, maxiter = 10000)$root) * t[2] / t[1]
  p <- t[1] / sum(t); c(if (x[1] > 0) solve(more) else 0, if (x[2] > 0) solve(less) else Inf, min(1, 2 * min(less(p), more(p)))) }
wald <- function(x, t, level = .95) { z <- qnorm(.5 + level / 2); r <- log(x[1] / t[1] / (x[2] / t[2])); s <- sqrt(sum(1 / x)); e <- sum(x) * t[1] / sum(t); q <- (x[1] - e)^2 / (sum(x) * prod(t) / sum(t)^2); c(exp(r), exp(r + c(-1, 1) * z * s), r, s, q, pchisq(q, 1, lower.tail = FALSE)) }
diff.wald <- function(x, t, level = .95) { z <- qnorm(.5 + level / 2); d <- x[1] / t[1] - x[2] / t[2]; s <- sqrt(sum(x / t^2)); c(d, d + c(-1, 1) * z * s, s) }
diff.exact <- function(x, t, level = .95) { r <- x / t; l <- sapply(1:2, function(i) poisson.test(x[i], t[i], conf.level = level)$conf.int); d <- r[1] - r[2]; c(d, d - sqrt((r[1] - l[1, 1])^2 + (l[2, 2] - r[2])^2), d + sqrt((l[2, 1] - r[1])^2 + (r[2] - l[1, 2])^2)) }
record("own.irr.exact.colon", "poisson.test", "colon, deaths, sex", "with(two(colon, 'years', 'status', 'sex'), exact(x, t))")
record("own.irr.exact.veteran", "poisson.test, 90%", "veteran, treatment", "with(two(veteran, 'time', 'status', 'trt'), exact(x, t, .9))")
record("own.irr.exact.small", "poisson.test, few events", "typed", "exact(c(3, 1), c(120.5, 310.25))")
record("own.irr.exact.zero", "poisson.test, no event of the exposed", "typed", "exact(c(0, 5), c(100, 80))[1:4]")
record("own.irr.midp.iri", "mid-P", "41 15 28010 19017", "midp(c(41, 15), c(28010, 19017))")
record("own.irr.midp.colon", "mid-P, 99%", "colon, deaths, obstruct", "with(two(colon, 'years', 'status', 'obstruct'), midp(x, t, .99))")
record("own.irr.midp.small", "mid-P, few events", "typed", "midp(c(3, 1), c(120.5, 310.25))")
record("own.irr.wald.colon", "log interval, score test", "colon, deaths, obstruct", "with(two(colon, 'years', 'status', 'obstruct'), wald(x, t))")
record("own.ird.iri", "rate difference (Stata: .000675, .0000749, .0012751)", "41 15 28010 19017", "diff.wald(c(41, 15), c(28010, 19017))")
record("own.ird.colon", "rate difference", "colon, deaths, obstruct", "with(two(colon, 'years', 'status', 'obstruct'), diff.wald(x, t))")
record("own.ird.exact", "rate difference, Zou and Donner", "colon, deaths, obstruct", "with(two(colon, 'years', 'status', 'obstruct'), diff.exact(x, t))")
record("own.ird.exact.zero", "rate difference, Zou and Donner, no event", "typed", "diff.exact(c(0, 5), c(100, 80))")
cells <- function(d, by) aggregate(cbind(status, years) ~ obstruct + ., d[c("status", "years", "obstruct", by)], sum)
mh <- function(by, measure) { a <- cells(colon, by); e <- merge(a[a$obstruct == 1, ], a[a$obstruct == 0, ], by = by)
  m <- rma.mh(measure = measure, x1i = e$status.x, t1i = e$years.x, x2i = e$status.y, t2i = e$years.y, correct = FALSE)
  c(m$beta, m$ci.lb, m$ci.ub, m$se, if (measure == "IRR") c(m$MH, m$MHp), m$QE, m$QEp) }
record("own.mh.irr", "rma.mh IRR over sex and differentiation", "colon, deaths, obstruct", "mh(c('sex', 'differ'), 'IRR')", "metafor")
record("own.mh.ird", "rma.mh IRD over sex and differentiation", "colon, deaths, obstruct", "mh(c('sex', 'differ'), 'IRD')", "metafor")
record("own.mh.irr.old", "rma.mh IRR over age", "colon, deaths, obstruct", "mh('old', 'IRR')", "metafor")
# epitools::ageadjust.direct written out (Fay & Feuer 1997)
direct <- function(x, t, w, level = .95) { a <- 1 - level; k <- w / sum(w) / t; y <- sum(k * x); v <- sum(k^2 * x); m <- max(k)
  c(sum(x) / sum(t), y, qgamma(a / 2, y^2 / v, scale = v / y), qgamma(1 - a / 2, (y + m)^2 / (v + m^2), scale = (v + m^2) / (y + m)), sqrt(v)) }
record("own.rate.standardized", "direct standardization of rates by ages 40-49 to 70-79 and 80+, by sex", "dmlate", "unlist(lapply(c('F', 'M'), function(s) { T <- S[S$sex == s & S$middle.age >= 40, ]; direct(tapply(status(T, 'exit'), T$middle.age, sum), tapply(dur(T), T$middle.age, sum), c(12, 11, 8, 5, 2)) }))", "Epi")
finish("rates")
