# Reference values for the Framingham teaching data (BioLINCC), which are not distributed with this project.
# Usage: Rscript validation/framingham.R EXAM1.csv EXAM2.csv EXAM3.csv ENDPOINTS.csv [OUT.csv]
# The four CSV files are the raw files read without labels, columns under their original names.
# Writes id, command, name, value; every value is what `command` returns in R.
suppressMessages(library(survival))
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

result <- do.call(rbind, rows)
temporary <- paste0(out_path, ".tmp")
write.csv(result, temporary, row.names = FALSE)
invisible(file.rename(temporary, out_path))
cat(nrow(result), "values from", R.version.string, "survival", as.character(packageVersion("survival")), "\n")
