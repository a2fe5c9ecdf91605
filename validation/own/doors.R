# Events at time 0, everything tied, strata of one person. Usage: see record.R.
suppressMessages({library(survival); library(cmprsk)})
source("validation/own/record.R")
vet <- read("veteran"); vet$t0 <- pmax(floor((vet$time - 20) / 10), 0)  # a third has its event, or is censored, at 0
vet$week <- ceiling(vet$time / 100); vet$cause <- vet$status * (1 + seq_len(nrow(vet)) %% 2); vet$hospital <- seq_len(nrow(vet)) %% 11
vet$state <- factor(vet$cause, 0:2, c("censored", "cancer", "other"))
tight <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)
both <- function(m) c(coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik)
s <- "survival"
record("own.doors.km", "Kaplan-Meier, events at 0", "veteran", "local({f <- summary(survfit(Surv(t0, status) ~ trt, vet, conf.type = 'log-log'), times = c(0, 5, 20)); c(f$surv, f$std.err, f$lower, f$upper)})", s)
record("own.doors.na", "Nelson-Aalen, events at 0", "veteran", "local({f <- survfit(Surv(t0, status) ~ 1, vet); k <- findInterval(c(0, 5, 20), f$time); c(f$cumhaz[k], f$std.chaz[k])})", s)
record("own.doors.cif", "Aalen-Johansen, events at 0", "veteran", "local({f <- summary(survfit(Surv(t0, state) ~ 1, vet), times = c(0, 5, 20)); c(f$pstate[, -1], f$std.err[, -1])})", s)
record("own.doors.logrank", "Log-rank, events at 0; stratified", "veteran", "c(survdiff(Surv(t0, status) ~ trt, vet)$chisq, survdiff(Surv(t0, status) ~ trt + strata(celltype), vet)$chisq)", s)
record("own.doors.gray", "Gray's test, events at 0", "veteran", "cuminc(vet$t0, vet$cause, vet$trt)$Tests[, 'stat']", "cmprsk")
for (ties in c("efron", "breslow", "exact")) record(paste0("own.doors.cox.", ties), paste("Cox, events at 0,", ties), "veteran", sprintf("both(coxph(Surv(t0, status) ~ karno + age, vet, ties = '%s', control = tight))", ties), s)
record("own.doors.cox.tied", "Cox, ten different times", "veteran", "both(coxph(Surv(week, status) ~ karno + trt, vet, control = tight))", s)
record("own.doors.cox.strata", "Cox, strata of mostly one person, clusters", "veteran", "both(coxph(Surv(time, status) ~ karno + trt + strata(age, celltype), vet, cluster = hospital, control = tight))", s)
# crr looks G(t-) up at t (1 - 1e-14), which at 0 is 0: its weights of those at 0 are wrong there, a shift of all times mends it
record("own.doors.crr", "Fine-Gray, events at the first time (0, shifted by 1 for crr)", "veteran", "local({m <- crr(vet$t0 + 1, vet$cause, vet[, c('karno', 'age')], gtol = 1e-15, maxiter = 50); c(m$coef, se = sqrt(diag(m$var)), loglik = m$loglik, null = m$loglik.null)})", "cmprsk")
record("own.doors.rmst", "RMST, events at 0", "veteran", "summary(survfit(Surv(t0, status) ~ trt, vet), rmean = 20)$table[, c('rmean', 'se(rmean)')]", s)
finish("doors")
