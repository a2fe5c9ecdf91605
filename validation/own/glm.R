# Generalized linear models with every variance. Usage: see record.R.
suppressMessages({library(survival); library(survey); library(clubSandwich); library(sandwich)})
source("validation/own/record.R")
nh <- read("nhanes"); c2 <- read("apiclus2"); st <- read("apistrat"); colon <- read("colon"); rott <- read("rotterdam"); infert <- read("infert")
colon$village <- (colon$id - 1) %/% 20; colon$region <- colon$village %/% 6; colon$w <- 1 + (colon$id %% 5)  # an invented design
trial <- subset(colon, etype == 1); deaths <- subset(colon, etype == 2)
dcol <- svydesign(id = ~village, strata = ~region, weights = ~w, data = colon)
dst <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = st, fpc = ~fpc)
dc2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = c2)
W <- sapply(1:12, function(r) nh$WTMEC2YR * (1 + .9 * (-1)^(nh$SDMVPSU + nh$SDMVSTRA %/% r + r)))
rep_nh <- function(...) svrepdesign(data = nh, weights = ~WTMEC2YR, repweights = W, combined.weights = TRUE, ...)
# glm converges slowly where the link is not canonical, and its covariance is that of the step before the last: go on
# until the deviance no longer changes, and start again from there
tight <- list(epsilon = 1e-300, maxit = 200)
fit <- function(...) { call <- match.call(expand.dots = TRUE); call[[1]] <- quote(stats::glm); call$control <- tight
  m <- suppressWarnings(eval(call, parent.frame()))
  for (i in 1:20) { call$start <- coef(m); m <- suppressWarnings(eval(call, parent.frame())) }
  m }
se <- function(v) sqrt(diag(v))
hc <- function(m, kinds = c("HC0", "HC1", "HC3")) unlist(lapply(kinds, function(k) se(vcovHC(m, type = k))))
cr <- function(m, cluster, kinds = c("CR0", "CR1", "CR1S", "CR3")) c(unlist(lapply(kinds, function(k) se(as.matrix(vcovCR(m, cluster, k))))),
  local({ct <- coef_test(m, vcov = "CR2", cluster = cluster, test = "Satterthwaite"); half <- qt(.975, ct$df_Satt) * ct$SE; c(se = ct$SE, df = ct$df_Satt, p = ct$p_Satt, low = coef(m) - half, high = coef(m) + half)}))
design <- function(m) { half <- qt(.975, m$df.residual) * SE(m); c(coef(m), se = SE(m), p = summary(m)$coef[, 4], low = coef(m) - half, high = coef(m) + half, df = m$df.residual) }
s <- c("sandwich", "clubSandwich"); v <- c("survey")
record("own.glm.poisson.offset", "Poisson, log person-time, HC", "rotterdam", "local({m <- fit(death ~ hormon + factor(grade) + I(age / 10) + offset(log(dtime / 365.25)), poisson, rott); c(coef(m), se = se(vcov(m)), hc(m), loglik = logLik(m))})", s)
record("own.glm.poisson.counts", "Poisson of counts with weights, HC", "rotterdam", "local({m <- fit(nodes ~ meno * hormon + size, poisson, rott, weights = w); c(coef(m), se = se(vcov(m)), hc(m))})", s)
record("own.glm.poisson.cr", "Poisson, offset, CR0 CR1 CR1S CR3 CR2", "colon, deaths", "local({m <- fit(status ~ rx + sex + offset(log(time)), poisson, deaths); c(coef(m), cr(m, deaths$village))})", s)
record("own.glm.modpois", "Modified Poisson, interaction, weights", "rotterdam", "local({m <- fit(recur ~ hormon * meno + factor(grade), poisson, rott, weights = w); c(coef(m), hc(m))})", s)
record("own.glm.modpois.cr", "Modified Poisson, CR0 CR1 CR1S CR3 CR2", "colon, recurrence", "local({m <- fit(status ~ rx * sex + I(age / 10), poisson, trial); c(coef(m), cr(m, trial$village))})", s)
record("own.glm.logbin", "Log-binomial with numbers, HC0", "rotterdam", "local({m <- fit(death ~ I(age / 10) + size + hormon, binomial('log'), rott, start = c(log(.4), 0, 0, 0, 0)); c(coef(m), se = se(vcov(m)), hc(m, 'HC0'), loglik = logLik(m))})", s)
record("own.glm.logbin.weights", "Log-binomial with weights, model and CR1", "colon, recurrence", "local({m <- fit(status ~ rx + I(age / 10), binomial('log'), trial, weights = w, start = c(log(.4), 0, 0, 0)); c(coef(m), se = se(vcov(m)), cr1 = se(vcovCL(m, trial$village, type = 'HC0')))})", s)
# On the boundary the linear predictor of one pattern is 0: the model without that pattern's equation is unconstrained
record("own.glm.logbin.boundary", "Log-binomial, maximum at probability 1 for x = 6", "typed", "local({x <- rep(0:6, each = 4); y <- c(0,0,0,1, 0,0,0,0, 0,0,1,0, 0,0,1,1, 1,0,1,0, 1,1,0,1, 1,1,1,1); z <- x - 6; m <- fit(y ~ 0 + z, binomial('log'), subset = z < 0, start = .5); c(-6 * coef(m), coef(m), loglik = logLik(m))})")
record("own.glm.logbin.level", "Log-binomial, every person of a level ill", "typed", "local({a <- rep(c('a', 'b', 'c'), c(8, 6, 5)); y <- c(1,0,0,0,0,1,0,0, 1,1,0,0,0,1, 1,1,1,1,1); p <- tapply(y, a, mean); c(log(p['a']), log(p['b'] / p['a']), log(p['c'] / p['a']))})")
record("own.glm.lm", "Linear, t, HC0 HC1 HC3", "rotterdam", "local({m <- lm(log(pgr + 1) ~ age + size + hormon * meno, rott); h <- confint(m); c(coef(m), se = se(vcov(m)), p = summary(m)$coef[, 4], h[, 1], h[, 2], hc(m), loglik = logLik(m))})", s)
record("own.glm.lm.weights", "Weighted linear, model, HC, CR", "colon, recurrence", "local({d <- subset(trial, !is.na(nodes)); m <- lm(nodes ~ I(age / 10) + rx, d, weights = w); c(coef(m), se = se(vcov(m)), hc(m), cr(m, d$village), loglik = logLik(m))})", s)
record("own.glm.logit", "Logistic, interaction of factors, weights, HC, CR", "colon, recurrence", "local({m <- fit(status ~ rx * factor(surg) + age, binomial, trial, weights = w); c(coef(m), se = se(vcov(m)), hc(m), cr(m, trial$village))})", s)
record("own.glm.cloglog", "Binomial, complementary log-log, weights", "infert", "local({m <- fit(case ~ spontaneous + induced + age, binomial('cloglog'), infert, weights = 1 + (parity > 2)); c(coef(m), se = se(vcov(m)), hc(m, 'HC0'))})", s)
record("own.glm.discrete", "Discrete time by cloglog (cloglog to convergence)", "veteran", "local({v <- transform(read('veteran'), d = ceiling(time / 30)); v <- survSplit(Surv(d, status) ~ ., v, cut = 1:40, episode = 'tg'); v$tg2 <- pmin(v$tg, 12); m <- fit(status ~ factor(tg2) + trt + karno, binomial('cloglog'), v); c(coef(m)[c('trt', 'karno')], se(vcov(m))[c('trt', 'karno')])})")
record("own.glm.identity", "Binomial, identity", "rotterdam", "local({m <- fit(death ~ I(age / 10) + size + hormon, binomial('identity'), rott, start = c(.4, 0, 0, 0, 0)); c(coef(m), se = se(vcov(m)), hc(m, 'HC0'), loglik = logLik(m))})", s)
record("own.glm.predict", "Predictions: logistic, Poisson, linear", "rotterdam", "local({n <- data.frame(age = c(40, 70), size = c('<=20', '>50'), dtime = c(365.25, 3652.5)); c(predict(fit(death ~ age + size, binomial, rott), n, type = 'response'), predict(fit(death ~ age + size + offset(log(dtime)), poisson, rott), n, type = 'response'), predict(lm(nodes ~ age + size, rott), n))})")
record("own.svyglm.logit", "svyglm, quasibinomial, missing values, clusters in strata", "colon", "design(svyglm(status ~ nodes + rx * sex, dcol, family = quasibinomial, control = tight))", v)
record("own.svyglm.domain", "svyglm of a domain, quasipoisson with offset", "colon", "design(svyglm(status ~ nodes + rx + offset(log(time)), subset(dcol, etype == 2 & age > 60), family = quasipoisson, control = tight))", v)
record("own.svyglm.nhanes", "svyglm, quasipoisson (svy.glmpois to convergence)", "nhanes", "local({m <- svyglm(HI_CHOL ~ factor(race) + agecat + factor(RIAGENDR), svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nh), family = quasipoisson, control = tight); design(m)})", v)
record("own.svyglm.gaussian", "svyglm, gaussian, stratified", "apistrat", "design(svyglm(api00 ~ ell + meals + stype, dst))", v)
record("own.svyglm.stages", "svyglm, gaussian, two stages with fpc and missing values", "apiclus2", "design(svyglm(enroll ~ meals + sch.wide, dc2))", v)
record("own.svyglm.logbin", "svyglm, log-binomial", "colon", "design(svyglm(status ~ rx + I(age / 10), dcol, family = quasibinomial('log'), start = c(log(.5), 0, 0, 0), control = tight))", v)
record("own.svyglm.brr", "svyglm with replicate weights, BRR, missing values", "nhanes", "design(svyglm(HI_CHOL ~ factor(race) + RIAGENDR, rep_nh(type = 'BRR'), family = quasibinomial, control = tight))", v)
record("own.svyglm.fay", "svyglm with replicate weights, Fay, quasipoisson", "nhanes", "design(svyglm(HI_CHOL ~ agecat + RIAGENDR, subset(rep_nh(type = 'Fay', rho = .3, mse = TRUE), agecat != '(0,19]'), family = quasipoisson, control = tight))", v)
finish("glm")
