# Interval-censored times: nonparametric curve, proportional hazards with a spline baseline. Usage: see record.R.
suppressMessages({library(survival); library(numDeriv)})
source("validation/own/record.R")
veteran <- read("veteran"); lung <- read("lung"); heart <- read("heart"); colon <- read("colon"); ic <- read("ic")
# veteran, seen every 30 days from a first visit that differs between people: deaths between two visits
veteran$shift <- 1 + (7 * seq_len(nrow(veteran))) %% 30
veteran$before <- with(veteran, ifelse(time < shift, 0, shift + 30 * ((time - shift) %/% 30)))
veteran$left <- with(veteran, ifelse(status == 1, before, time))
veteran$right <- with(veteran, ifelse(status == 1, ifelse(before == 0, shift, before + 30), Inf))
# colon, death: a third exact, others between yearly visits or before the first of them; weights and clusters
death <- subset(colon, etype == 2); death$w <- 1 + (death$id %% 5); death$village <- death$id %/% 20
death$years <- death$time / 365.25; death$exact <- death$id %% 3 == 0
death$left <- with(death, ifelse(status == 1 & !exact, floor(years), years))
death$right <- with(death, ifelse(status == 0, Inf, ifelse(exact, years, floor(years) + 1)))
lung$dead <- lung$status - 1; lung$ecog <- lung$ph.ecog

source("validation/own/interval_likelihoods.R")
s <- "survival"

record("own.turnbull.ic", "Turnbull by EM to Kuhn-Tucker: S after each innermost interval, log-likelihood", "15 hand-made intervals (golden turnbull)", "local({f <- with(ic, em(ifelse(is.na(l), 0, l), ifelse(is.na(r), Inf, r))); c(S = S(f, c(1, 2, 3, 4, 6, 8, 9)), loglik = f$loglik)})")
record("own.turnbull.ic.r", "Log-likelihood of the curve of survfit(interval2), which stops early", "15 hand-made intervals (golden turnbull)", "local({f <- survfit(Surv(l0, r, type = 'interval2') ~ 1, ic); at <- function(t, above) c(1, f$surv)[1 + sum(f$time <= t)]; a <- sapply(ifelse(is.na(ic$l), 0, ic$l), at); b <- ifelse(is.na(ic$r), 0, sapply(ifelse(is.na(ic$r), 0, ic$r), at)); sum(log(ifelse(is.na(ic$l), 1, a) - b))})", s)
record("own.turnbull.veteran", "Turnbull by EM, two groups: S at visits, log-likelihood", "veteran", "unlist(lapply(1:2, function(k) local({f <- with(veteran[veteran$trt == k, ], em(left, right)); c(S = S(f, c(30, 90, 180, 400)), loglik = f$loglik)})))")
record("own.turnbull.colon", "Turnbull by EM, exact times among intervals, weights", "colon", "local({d <- subset(death, id <= 150); f <- with(d, em(left, right, w)); c(S = S(f, c(1, 2, 3, 4, 5)), loglik = f$loglik)})")
record("own.ic.veteran", "Spline proportional hazards, intervals, 2 inner knots", "veteran", "of(with(veteran, royston_parmar(left, right, cbind(trt, karno), 2)))")
record("own.ic.veteran.weibull", "Weibull proportional hazards, intervals (survreg)", "veteran", "weibull_ph(survreg(Surv(na_left(left), na_right(right), type = 'interval2') ~ trt + karno, veteran, control = tight))", s)
record("own.ic.veteran.curve", "Predicted survival with delta interval on log(-log S)", "veteran", "with(veteran, royston_parmar(left, right, cbind(trt, karno), 1))$curve(c(2, 60), c(20, 100, 300))")
record("own.ic.lung", "Spline proportional hazards, times known, 3 inner knots", "lung", "local({d <- subset(lung, !is.na(ecog)); of(with(d, royston_parmar(time, ifelse(dead == 1, time, Inf), cbind(age, sex, ecog), 3)))})")
record("own.ic.lung.weibull", "Weibull proportional hazards, times known (survreg)", "lung", "weibull_ph(survreg(Surv(time, dead) ~ age + sex + ecog, lung, control = tight))", s)
record("own.ic.heart", "Spline proportional hazards, late entry, times known, clusters", "heart", "local({f <- with(heart, royston_parmar(stop, ifelse(event == 1, stop, Inf), cbind(age, year, surgery), 1, entry = start, cluster = id)); of(f, robust = f$robust)})")
record("own.ic.colon", "Spline proportional hazards, exact times among intervals and left-censored, weights, clusters", "colon", "local({f <- with(death, royston_parmar(left, right, cbind(age, sex, node4), 2, w = w, cluster = village)); g <- with(death, royston_parmar(left, right, cbind(age, sex, node4), 2, w = w)); of(f, cluster = f$robust, robust = g$robust)})")
record("own.ic.colon.entry", "Spline proportional hazards, late entry, intervals", "colon", "local({d <- subset(death, years > 1); of(with(d, royston_parmar(left, right, cbind(age, node4), 1, entry = .5 + .4 * (id %% 2))))})")
record("own.ic.colon.alone", "Survival without covariates, 2 inner knots", "colon", "with(death, royston_parmar(left, right, matrix(0, nrow(death), 0), 2))$curve(numeric(0), c(1, 3, 5))")
finish("intervals")
