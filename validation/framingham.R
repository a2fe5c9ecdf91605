# Reference values for the Framingham teaching data (BioLINCC), which are not distributed with this project.
# Usage, in the project's folder: Rscript validation/framingham.R EXAM1.csv EXAM2.csv EXAM3.csv ENDPOINTS.csv [OUT.csv]
# The four CSV files are the raw files read without labels, columns under their original names.
# Writes id, command, name, value; every value is what `command` returns in R.
suppressMessages({library(survival); library(cmprsk); library(numDeriv)})
source("validation/own/interval_likelihoods.R")
args <- commandArgs(trailingOnly = TRUE)
if (length(args) < 4) stop("give EXAM1.csv EXAM2.csv EXAM3.csv ENDPOINTS.csv [OUT.csv]")
e1 <- read.csv(args[1]); e2 <- read.csv(args[2]); e3 <- read.csv(args[3]); endpoints <- read.csv(args[4])
out_path <- if (length(args) >= 5) args[5] else "validation/framingham.csv"
exams <- list(e1, e2, e3)
base <- merge(e1, endpoints, by = "RANDID")
stopifnot(nrow(base) == nrow(e1))
at_risk <- subset(base, PREVCHD == 0)
# R's default tolerances are too loose for reference values
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)

rows <- list()
record <- function(id, command) {
  value <- unlist(eval(parse(text = command), envir = globalenv()))
  name <- names(value)
  if (is.null(name)) name <- rep("", length(value))
  for (i in seq_along(value)) {
    rows[[length(rows) + 1]] <<- data.frame(id = id, command = command, name = name[i],
                                            value = sprintf("%.15g", as.numeric(value[i])))
  }
}

record("framingham.n", "c(exam1 = nrow(e1), exam2 = nrow(e2), exam3 = nrow(e3), endpoints = nrow(endpoints), persons = length(unique(c(e1$RANDID, e2$RANDID, e3$RANDID))))")

for (s in 1:2) {
  record(sprintf("framingham.baseline.sex%d.n", s), sprintf("c(n = sum(e1$SEX == %d))", s))
  for (v in c("AGE", "SYSBP", "DIABP", "BMI", "TOTCHOL", "GLUCOSE")) {
    record(sprintf("framingham.baseline.sex%d.%s", s, v),
           sprintf("local({x <- e1$%s[e1$SEX == %d]; c(mean = mean(x, na.rm = TRUE), sd = sd(x, na.rm = TRUE), n = sum(!is.na(x)), missing = sum(is.na(x)))})", v, s))
  }
  for (v in c("CURSMOKE", "DIABETES")) {
    record(sprintf("framingham.baseline.sex%d.%s", s, v),
           sprintf("local({x <- e1$%s[e1$SEX == %d]; c(n = sum(x == 1, na.rm = TRUE), proportion = mean(x == 1, na.rm = TRUE), missing = sum(is.na(x)))})", v, s))
  }
  for (v in 1:3) {
    record(sprintf("framingham.prevhyp.sex%d.period%d", s, v),
           sprintf("local({x <- exams[[%d]]; x <- x$PREVHYP[x$SEX == %d]; x <- x[!is.na(x)]; ci <- prop.test(sum(x), length(x), correct = FALSE)$conf.int; c(events = sum(x), n = length(x), estimate = mean(x), conf_low = ci[1], conf_high = ci[2])})", v, s))
  }
  record(sprintf("framingham.km.death.sex%d", s),
         sprintf("local({d <- subset(base, SEX == %d); f <- summary(survfit(Surv(TIMEDTH / 365.25, DEATH) ~ 1, d, conf.type = 'log-log'), times = c(5, 10, 15, 20, 24), extend = TRUE); setNames(c(f$surv, f$std.err, f$lower, f$upper, f$n.risk), paste0(rep(c('surv', 'std_error', 'conf_low', 'conf_high', 'n_risk'), each = 5), '_', rep(c(5, 10, 15, 20, 24), 5)))})", s))
  record(sprintf("framingham.rate.chd.sex%d", s),
         sprintf("local({d <- subset(at_risk, SEX == %d); x <- sum(d$ANYCHD); py <- sum(d$TIMECHD) / 365.25; ci <- poisson.test(x, py)$conf.int; c(n = nrow(d), events = x, person_years = py, estimate = 1000 * x / py, conf_low = 1000 * ci[1], conf_high = 1000 * ci[2])})", s))
}

cox_formula <- "Surv(TIMECHD / 365.25, ANYCHD) ~ AGE + SEX + SYSBP + CURSMOKE + BMI + DIABETES + TOTCHOL"
for (ties in c("efron", "breslow")) {
  record(sprintf("framingham.cox.chd.%s", ties),
         sprintf("local({f <- coxph(%s, at_risk, ties = '%s', control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f))), loglik = f$loglik[2], loglik_null = f$loglik[1], n = f$n, events = f$nevent)})", cox_formula, ties))
}
record("framingham.cox.chd.sexfactor", "local({d <- at_risk; d$SEX <- factor(d$SEX, 1:2, c('male', 'female')); f <- coxph(Surv(TIMECHD / 365.25, ANYCHD) ~ AGE + SEX + SYSBP + CURSMOKE + BMI + DIABETES + TOTCHOL, d, ties = 'efron', control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f)))); })")
record("framingham.cox.chd.missing", "c(n = nrow(at_risk), sapply(at_risk[c('AGE', 'SEX', 'SYSBP', 'CURSMOKE', 'BMI', 'DIABETES', 'TOTCHOL')], function(x) sum(is.na(x))))")

# coronary disease with death of other causes competing: 0 neither, 1 coronary disease, 2 death
at_risk$state <- with(at_risk, ifelse(ANYCHD == 1, 1, ifelse(DEATH == 1, 2, 0)))
at_risk$years <- with(at_risk, ifelse(state == 2, TIMEDTH, TIMECHD)) / 365.25  # TIMECHD of three who died is the end of the study
for (s in 1:2) {
  record(sprintf("framingham.incidence.sex%d", s),
         sprintf("local({f <- summary(survfit(Surv(years, factor(state, 0:2)) ~ 1, subset(at_risk, SEX == %d), conf.type = 'log-log'), times = c(10, 20)); setNames(c(f$pstate[, 2:3], f$std.err[, 2:3], f$lower[, 2:3], f$upper[, 2:3]), paste0(rep(c('estimate', 'std_error', 'conf_low', 'conf_high'), each = 4), rep(c('.chd', '.death'), each = 2), c('_10', '_20')))})", s))
  record(sprintf("framingham.one_minus_km.sex%d", s),
         sprintf("local({f <- summary(survfit(Surv(years, state == 1) ~ 1, subset(at_risk, SEX == %d), conf.type = 'log-log'), times = c(10, 20)); setNames(c(1 - f$surv, 1 - f$upper, 1 - f$lower), paste0(rep(c('estimate', 'conf_low', 'conf_high'), each = 2), c('_10', '_20')))})", s))
}
for (v in c("SEX", "CURSMOKE")) {
  record(sprintf("framingham.gray.%s", v),
         sprintf("local({x <- cuminc(at_risk$years, at_risk$state, at_risk$%s)$Tests; setNames(c(x[, 'stat'], x[, 'pv']), c('statistic.chd', 'statistic.death', 'p_value.chd', 'p_value.death'))})", v))
  record(sprintf("framingham.risk_difference.%s", v),
         sprintf("local({f <- lapply(sort(unique(at_risk$%s)), function(g) summary(survfit(Surv(years, factor(state, 0:2)) ~ 1, subset(at_risk, %s == g)), times = c(10, 20))); d <- f[[2]]$pstate[, 2] - f[[1]]$pstate[, 2]; s <- sqrt(f[[1]]$std.err[, 2]^2 + f[[2]]$std.err[, 2]^2); z <- qnorm(.975); setNames(c(d, d - z * s, d + z * s), paste0(rep(c('estimate', 'conf_low', 'conf_high'), each = 2), c('_10', '_20')))})", v, v))
}
for (cause in 1:2) {
  record(sprintf("framingham.cause_specific.%d", cause),
         sprintf("local({f <- coxph(Surv(years, state == %d) ~ AGE + SEX + SYSBP + CURSMOKE + BMI + DIABETES + TOTCHOL, at_risk, control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f))), events = f$nevent)})", cause))
  record(sprintf("framingham.fine_gray.%d", cause),
         sprintf("local({v <- c('AGE', 'SEX', 'SYSBP', 'CURSMOKE', 'BMI', 'DIABETES', 'TOTCHOL'); d <- at_risk[complete.cases(at_risk[v]), ]; f <- crr(d$years, d$state, d[v], failcode = %d, gtol = 1e-15, maxiter = 50); c(coef = f$coef, se = sqrt(diag(f$var)))})", cause))
}

# onset of hypertension among those without it at the first exam: after the last exam without, by the first with it
onset <- subset(e1, PREVHYP == 0)
seen <- lapply(list(e2, e3), function(x) x[match(onset$RANDID, x$RANDID), c("TIME", "PREVHYP")])
last_of <- function(x, before) ifelse(x$PREVHYP %in% 0 & x$TIME < before, x$TIME, 0)
first_of <- function(x) ifelse(x$PREVHYP %in% 1, x$TIME, Inf)
onset$right <- pmin(first_of(seen[[1]]), first_of(seen[[2]]))
onset$left <- pmax(last_of(seen[[1]], onset$right), last_of(seen[[2]], onset$right))
onset$ill <- as.numeric(is.finite(onset$right))
onset$exit <- ifelse(onset$ill == 1, onset$right, onset$left)
onset <- subset(onset, exit > 0)  # seen again
for (v in c("left", "right", "exit")) onset[[v]] <- onset[[v]] / 365.25
complete <- subset(onset, !is.na(BMI))

record("framingham.hypertension.n", "c(n = nrow(onset), events = sum(onset$ill), complete = nrow(complete), complete_events = sum(complete$ill))")
for (s in 1:2) {
  record(sprintf("framingham.hypertension.turnbull.sex%d", s),
         sprintf("local({d <- subset(onset, SEX == %d); d <- aggregate(w ~ l + r, data.frame(l = round(12 * d$left), r = round(12 * d$right), w = 1), sum); f <- em(d$l, d$r, d$w, 1e-12); t <- c(60, 68, 76, 90, 130, 150); c(setNames(S(f, t), paste0('months', t)), loglik = f$loglik)})", s))
  record(sprintf("framingham.hypertension.km.sex%d", s),
         sprintf("local({f <- summary(survfit(Surv(exit, ill) ~ 1, subset(onset, SEX == %d), conf.type = 'log-log'), times = c(6, 9, 12)); setNames(c(f$surv, f$lower, f$upper), paste0(rep(c('estimate', 'conf_low', 'conf_high'), each = 3), '_', c(6, 9, 12)))})", s))
}
record("framingham.hypertension.weibull", "weibull_ph(survreg(Surv(ifelse(left == 0, NA, left), ifelse(ill == 1, right, NA), type = 'interval2') ~ AGE + SEX + CURSMOKE + BMI, complete, control = survreg.control(rel.tolerance = 1e-14, maxiter = 300)))")
record("framingham.hypertension.interval_ph", "local({f <- with(complete, royston_parmar(left, right, cbind(AGE = AGE, SEX = SEX, CURSMOKE = CURSMOKE, BMI = BMI), 1)); c(coef = f$coef, se = f$se, loglik = f$loglik)})")
record("framingham.hypertension.cox", "local({f <- coxph(Surv(exit, ill) ~ AGE + SEX + CURSMOKE + BMI, complete, control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f))))})")
record("framingham.hypertension.discrete", "local({d <- survSplit(Surv(exit, ill) ~ AGE + SEX + CURSMOKE + BMI, complete, cut = 9, episode = 'k'); f <- glm(ill ~ factor(k) + AGE + SEX + CURSMOKE + BMI, binomial('cloglog'), d, control = glm.control(epsilon = 1e-14, maxit = 100)); c(coef = coef(f)[-(1:2)], se = sqrt(diag(vcov(f)))[-(1:2)], intervals = nrow(d))})")

result <- do.call(rbind, rows)
temporary <- paste0(out_path, ".tmp")
write.csv(result, temporary, row.names = FALSE)
invisible(file.rename(temporary, out_path))
cat(nrow(result), "values from", R.version.string, "survival", as.character(packageVersion("survival")), "\n")
