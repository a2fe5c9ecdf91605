# Aalen's additive regression and ridge-penalized Cox regression. Usage: see record.R.
suppressMessages(library(survival))
source("validation/own/record.R")
veteran <- read("veteran"); heart <- read("heart"); pbc <- read("pbc"); lung <- read("lung"); rotterdam <- read("rotterdam")
pbc$died <- as.integer(pbc$status == 2)
# summary.aareg, and the cumulative coefficients at a time with the errors plot.aareg draws
summed <- function(m) { s <- summary(m); k <- c("coef", "se(coef)", "z", "p"); c(s$table[, k], chisq = s$chisq) }
cumulative <- function(m, t) { k <- m$times <= t; c(colSums(m$coefficient[k, ]), sqrt(colSums(m$coefficient[k, ]^2))) }
# coxph.penal: coefficients, errors of the inverse penalized information, degrees of freedom, log-likelihood without the penalty
tight <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)
ridged <- function(f, d, ...) { m <- coxph(f, d, control = tight, ...); c(coef(m), se = sqrt(diag(m$var)), df = sum(m$df), loglik = m$loglik[2]) }

record("own.aareg.veteran", "Additive hazards: averages, errors, z, p, chi-square", "veteran", "summed(aareg(Surv(time, status) ~ trt + karno + age, veteran))", c("survival"))
record("own.aareg.levels", "The same, a covariate of levels and an interaction", "veteran", "summed(aareg(Surv(time, status) ~ celltype + trt * karno, veteran))", c("survival"))
record("own.aareg.one", "One covariate", "veteran", "local({m <- aareg(Surv(time, status) ~ karno, veteran); c(summary(m)$table[, c('coef', 'se(coef)', 'z', 'p')], cumulative(m, 200))})", c("survival"))
record("own.aareg.ties", "Many ties: time in half years", "pbc", "local({m <- aareg(Surv(ceiling(time / 182.5), died) ~ age + log(bili) + edema, pbc); c(summed(m), cumulative(m, 10), m$n[2:3])})", c("survival"))
record("own.aareg.term", "Chi-square of one covariate of levels", "veteran", "c(chisq = summary(aareg(Surv(time, status) ~ celltype, veteran))$chisq)", c("survival"))
record("own.aareg.entry", "Late entry", "heart", "local({m <- aareg(Surv(start, stop, event) ~ age + year + surgery, heart); c(summed(m), cumulative(m, 100))})", c("survival"))
record("own.aareg.cumulative", "Cumulative coefficients and errors at 500 days", "lung", "cumulative(aareg(Surv(time, status) ~ age + sex + ph.ecog, lung), 500)", c("survival"))
record("own.ridge.veteran", "Ridge penalty, Efron", "veteran", "ridged(Surv(time, status) ~ ridge(trt, karno, age, diagtime, theta = 10), veteran)", c("survival"))
record("own.ridge.strata", "Ridge penalty, Breslow, stratified", "veteran", "ridged(Surv(time, status) ~ ridge(trt, karno, age, theta = 3) + strata(celltype), veteran, ties = 'breslow')", c("survival"))
record("own.ridge.entry", "Ridge penalty, late entry", "heart", "ridged(Surv(start, stop, event) ~ ridge(age, year, surgery, theta = 1), heart)", c("survival"))
record("own.ridge.large", "Ridge penalty, many rows and ties", "rotterdam", "ridged(Surv(rt, rfs) ~ ridge(hormon, age, nodes, grade, theta = 500), rotterdam)", c("survival"))
finish("additive")
