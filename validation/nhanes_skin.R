# Reference values for the NHANES cycles with skin (NCHS), whose files are not distributed with this project.
# Usage: Rscript validation/nhanes_skin.R FLAT.csv [OUT.csv]
# FLAT.csv has a row a person, made from the raw files without this package (see `flat` in tests/test_nhanes_skin.py):
# cycle, age, male, psoriasis (1 yes, 0 no), weight, stratum, psu, years (since the exam), died, pb (blood lead, ug/L),
# current (smoker).
# Writes id, command, name, value; every value is what `command` returns in R.
suppressMessages({library(survival); library(survey)})
args <- commandArgs(trailingOnly = TRUE)
if (length(args) < 1) stop("give FLAT.csv [OUT.csv]")
d <- read.csv(args[1])
out_path <- if (length(args) >= 2) args[2] else "validation/nhanes_skin.csv"
asked <- subset(d, age >= 20 & age <= 59 & weight > 0 & !is.na(psoriasis))
followed <- subset(asked, !is.na(years) & years > 0)
followed$unit <- paste(followed$stratum, followed$psu)
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
         sprintf("local({x <- subset(asked, cycle == '%s'); s <- svymean(~psoriasis, svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = x, nest = TRUE)); ci <- prop.test(sum(x$psoriasis), nrow(x), correct = FALSE)$conf.int; c(n = nrow(x), events = sum(x$psoriasis), estimate = mean(x$psoriasis), conf_low = ci[1], conf_high = ci[2], weighted = as.numeric(coef(s)), design_se = as.numeric(SE(s)))})", k))
}
for (k in 0:1) {
  record(sprintf("nhanes_skin.rate.psoriasis%d", k),
         sprintf("local({x <- subset(followed, psoriasis == %d); ci <- poisson.test(sum(x$died), sum(x$years))$conf.int; c(n = nrow(x), events = sum(x$died), person_years = sum(x$years), estimate = 1000 * sum(x$died) / sum(x$years), conf_low = 1000 * ci[1], conf_high = 1000 * ci[2])})", k))
  record(sprintf("nhanes_skin.km.psoriasis%d", k),
         sprintf("local({f <- summary(survfit(Surv(years, died) ~ 1, subset(followed, psoriasis == %d), conf.type = 'log-log'), times = c(5, 10)); c(surv_5 = f$surv[1], surv_10 = f$surv[2], conf_low_10 = f$lower[2], conf_high_10 = f$upper[2])})", k))
}
record("nhanes_skin.cox",
       "local({f <- coxph(Surv(years, died) ~ psoriasis + age + male + strata(cycle), followed, weights = weight, cluster = unit, ties = 'efron', control = tight); c(coef = coef(f), se = sqrt(diag(vcov(f))), n = f$n, events = f$nevent)})")
for (k in 0:1) {
  record(sprintf("nhanes_skin.lead.current%d", k),
         sprintf("local({x <- subset(d, age >= 20 & current == %d)$pb; x <- x[!is.na(x)]; q <- quantile(x, c(0.25, 0.5, 0.75), names = FALSE); c(n = length(x), q1 = q[1], median = q[2], q3 = q[3])})", k))
}

result <- do.call(rbind, rows)
temporary <- paste0(out_path, ".tmp")
write.csv(result, temporary, row.names = FALSE)
invisible(file.rename(temporary, out_path))
cat(nrow(result), "values from", R.version.string, "survival", as.character(packageVersion("survival")),
    "survey", as.character(packageVersion("survey")), "\n")
