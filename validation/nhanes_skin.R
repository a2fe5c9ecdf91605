# Reference values for the NHANES cycles with skin (NCHS), whose files are not distributed with this project.
# Usage: Rscript validation/nhanes_skin.R FLAT.csv [OUT.csv]
# FLAT.csv has a row a person, made from the raw files without this package (see `flat` in tests/test_nhanes_skin.py):
# cycle, age, male, psoriasis (1 yes, 0 no), weight, stratum, psu, years (since the exam), died, pb (blood lead, ug/L),
# current (smoker), p1, p2, h1, h2 (psoriasis and hand dermatitis as two readers saw them).
# Writes id, command, name, value; every value is what `command` returns in R.
suppressMessages({library(survival); library(survey)})
args <- commandArgs(trailingOnly = TRUE)
if (length(args) < 1) stop("give FLAT.csv [OUT.csv]")
d <- read.csv(args[1])
out_path <- if (length(args) >= 2) args[2] else "validation/nhanes_skin.csv"
asked <- subset(d, age >= 20 & age <= 59 & weight > 0 & !is.na(psoriasis))
followed <- subset(asked, !is.na(years) & years > 0)
# everybody examined stays in the design; ages and questions make domains of it
examined <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = subset(d, weight > 0), nest = TRUE)
alive <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = subset(d, weight > 0 & !is.na(years) & years > 0), nest = TRUE)
tight_glm <- list(epsilon = 1e-14, maxit = 100)
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)

rows <- list()
record <- function(id, command) {
  value <- unlist(eval(parse(text = command), envir = globalenv()))
  name <- names(value)
  for (i in seq_along(value)) {
    rows[[length(rows) + 1]] <<- data.frame(id = id, command = command, name = name[i],
                                            value = sprintf("%.15g", as.numeric(value[i])))
  }
}

for (k in c("c", "d", "f", "g", "h")) {
  record(paste0("nhanes_skin.psoriasis.", k),
         sprintf("local({x <- subset(asked, cycle == '%s'); ci <- prop.test(sum(x$psoriasis), nrow(x), correct = FALSE)$conf.int; c(n = nrow(x), events = sum(x$psoriasis), estimate = mean(x$psoriasis), conf_low = ci[1], conf_high = ci[2])})", k))
  record(paste0("nhanes_skin.weighted.", k),
         sprintf("local({s <- subset(examined, cycle == '%s' & age >= 20 & age <= 59 & !is.na(psoriasis)); p <- svyciprop(~psoriasis, s, method = 'beta'); c(estimate = as.numeric(p), conf_low = attr(p, 'ci')[[1]], conf_high = attr(p, 'ci')[[2]], std_error = as.numeric(SE(p)), df = degf(s))})", k))
}
record("nhanes_skin.trend",
       "local({s <- subset(update(examined, score = match(cycle, c('c', 'd', 'f', 'g', 'h'))), age >= 20 & age <= 59 & !is.na(psoriasis)); m <- svyglm(psoriasis ~ score, s); c(estimate = coef(m)[[2]], std_error = SE(m)[[2]], df = m$df.residual)})")
for (k in 0:1) {
  record(sprintf("nhanes_skin.rate.psoriasis%d", k),
         sprintf("local({x <- subset(followed, psoriasis == %d); ci <- poisson.test(sum(x$died), sum(x$years))$conf.int; c(n = nrow(x), events = sum(x$died), person_years = sum(x$years), estimate = 1000 * sum(x$died) / sum(x$years), conf_low = 1000 * ci[1], conf_high = 1000 * ci[2])})", k))
  record(sprintf("nhanes_skin.km.psoriasis%d", k),
         sprintf("local({f <- summary(survfit(Surv(years, died) ~ 1, subset(followed, psoriasis == %d), conf.type = 'log-log'), times = c(5, 10)); c(surv_5 = f$surv[1], surv_10 = f$surv[2], conf_low_10 = f$lower[2], conf_high_10 = f$upper[2])})", k))
}
record("nhanes_skin.cox",
       "local({f <- svycoxph(Surv(years, died) ~ psoriasis + age + male + strata(cycle), subset(alive, age >= 20 & age <= 59 & !is.na(psoriasis)), control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f))), n = f$n, events = f$nevent)})")
for (k in 0:1) {
  record(sprintf("nhanes_skin.lead.current%d", k),
         sprintf("local({x <- subset(d, age >= 20 & current == %d)$pb; x <- x[!is.na(x)]; q <- quantile(x, c(0.25, 0.5, 0.75), names = FALSE); c(n = length(x), q1 = q[1], median = q[2], q3 = q[3])})", k))
}

# Cohen (1960) and the standard error of Fleiss, Cohen & Everitt (1969), written out
cohen <- function(a, b) { t <- table(a, b) / length(a); r <- rowSums(t); k <- colSums(t); o <- sum(diag(t)); e <- sum(r * k); v <- (o - e) / (1 - e)
  A <- sum(diag(t) * (1 - (r + k) * (1 - v))^2); B <- (1 - v)^2 * sum((t * outer(k, r, "+")^2)[row(t) != col(t)]); C <- (v - e * (1 - v))^2
  c(n = length(a), estimate = v, std_error = sqrt((A + B - C) / ((1 - e)^2 * length(a)))) }
for (s in c("p", "h")) {
  record(sprintf("nhanes_skin.kappa.%s", s),
         sprintf("local({x <- subset(d, !is.na(%1$s1) & !is.na(%1$s2)); cohen(x$%1$s1, x$%1$s2)})", s))
}

result <- do.call(rbind, rows)
temporary <- paste0(out_path, ".tmp")
write.csv(result, temporary, row.names = FALSE)
invisible(file.rename(temporary, out_path))
cat(nrow(result), "values from", R.version.string, "survival", as.character(packageVersion("survival")),
    "survey", as.character(packageVersion("survey")), "\n")
