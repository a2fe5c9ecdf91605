# Rubin's rules, D1, the maxima behind the draws, and long runs of mice. Usage: see record.R.
# Writes the completed data sets it pools to validation/data too, so that both sides pool the same.
suppressMessages({library(mice); library(survival); library(ordinal); library(nnet); library(mitml)})
source("validation/own/record.R")
tight_glm <- glm.control(epsilon = 1e-14, maxit = 200)
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)
pkg <- c("mice", "mitml", "survival", "ordinal", "nnet")
pooled <- function(fits, ...) { p <- pool(fits, ...)$pooled
  c(est = p$estimate, se = sqrt(p$t), df = p$df, riv = p$riv, fmi = p$fmi) }
d1 <- function(fit1, fit0, df.com = NULL) drop(testModels(fit1, fit0, method = "D1", df.com = df.com)$test)

# lung with its own gaps, completed 5 times
l <- lung[, c("time", "status", "age", "sex", "ph.ecog", "meal.cal", "wt.loss")]
lung5 <- complete(mice(l, m = 5, seed = 7, printFlag = FALSE), "long")[, c(".imp", names(l))]
lung5$dead <- lung5$status - 1; lung5$ecog <- pmin(lung5$ph.ecog, 2)
write.csv(lung5, "validation/data/lung_completed.csv", row.names = FALSE)
each <- function(f, k = 5) lapply(split(lung5, lung5$.imp)[1:k], f)
logit <- function(formula, k = 5) each(function(d) do.call(glm, list(formula, quote(binomial), quote(d), control = quote(tight_glm))), k)

record("own.mi.scalar", "Rubin, Barnard-Rubin df", "typed", "unlist(pool.scalar(c(.31, .28, .45, .39), c(.02, .025, .018, .022), n = 61, k = 3)[c('qbar', 'ubar', 'b', 't', 'df', 'r', 'fmi')])", pkg)
record("own.mi.scalar.inf", "Rubin, large sample", "typed", "unlist(pool.scalar(c(.31, .28, .45, .39), c(.02, .025, .018, .022), n = Inf)[c('qbar', 'ubar', 'b', 't', 'df', 'r', 'fmi')])", pkg)
record("own.mi.logit", "pool(glm)", "lung_completed", "pooled(as.mira(logit(dead ~ age + factor(ecog) + wt.loss)))", pkg)
record("own.mi.cox", "pool(coxph), df = events - coefficients", "lung_completed", "pooled(as.mira(each(function(d) coxph(Surv(time, dead) ~ age + sex + meal.cal, d, control = tight))))", pkg)
record("own.mi.lm", "pool(lm)", "lung_completed", "pooled(as.mira(each(function(d) lm(wt.loss ~ age + meal.cal, d))))", pkg)
record("own.mi.d1", "D1, df of complete data", "lung_completed", "local({a <- logit(dead ~ age + factor(ecog) + wt.loss); d1(a, logit(dead ~ age + wt.loss), df.com = a[[1]]$df.residual)})", pkg)
record("own.mi.d1.all", "D1, all slopes, df of complete data", "lung_completed", "d1(logit(dead ~ age + wt.loss + meal.cal), logit(dead ~ 1), df.com = 224)", pkg)
record("own.mi.d1.inf", "D1, large sample", "lung_completed", "d1(logit(dead ~ wt.loss + meal.cal), logit(dead ~ 1))", pkg)
record("own.mi.d1.few", "D1, t = 4", "lung_completed", "d1(logit(dead ~ wt.loss + meal.cal, 3), logit(dead ~ 1, 3))", pkg)

# the maxima behind the draws
pbc <- read("pbc"); p <- subset(pbc, !is.na(copper) & !is.na(stage))
record("own.mi.censored", "survreg, left-censored lognormal", "pbc copper, limit 40", "local({m <- survreg(Surv(pmax(copper, 40), copper >= 40, type = 'left') ~ age + I(sex == 'f'), p, dist = 'lognormal', control = survreg.control(rel.tolerance = 1e-14, maxiter = 100)); c(coef(m), logscale = log(m$scale), se = sqrt(diag(vcov(m))))})", pkg)
record("own.mi.ordered", "clm, proportional odds", "pbc stage", "local({m <- clm(factor(stage) ~ age + albumin + I(sex == 'f'), data = p, control = clm.control(gradTol = 1e-12)); c(coef(m), se = sqrt(diag(vcov(m))))})", pkg)
# nnet's maximum, brought to convergence by Newton's method
multinomial <- function(formula, data) { m <- do.call(multinom, list(formula, data, trace = FALSE, maxit = 1000, reltol = 1e-14))
  X <- model.matrix(formula, data); y <- class.ind(model.response(model.frame(formula, data)))[, -1]; B <- t(coef(m)); k <- ncol(B)
  for (i in 1:5) { P <- exp(X %*% B); P <- P / (1 + rowSums(P)); U <- c(crossprod(X, y - P))
    H <- do.call(rbind, lapply(1:k, function(a) do.call(cbind, lapply(1:k, function(b) crossprod(X, X * P[, a] * ((a == b) - P[, b]))))))
    B <- B + matrix(solve(H, U), ncol = k) }
  c(coef = c(B), se = sqrt(diag(solve(H)))) }
record("own.mi.multinomial", "multinomial logit", "pbc stage", "multinomial(factor(stage) ~ age + albumin + I(sex == 'f'), p)", pkg)
# perfect prediction: mice's added rows. x2 determines y among the exposed
sep <- data.frame(x1 = c(1, 4, 2, 8, 5, 7, 3, 6, 9, 2), x2 = rep(0:1, each = 5), y = c(0, 1, 0, 1, 0, 1, 1, 1, 1, 1))
record("own.mi.augmented", "logistic regression with the rows of White et al.", "typed", "local({a <- mice:::augment(sep$y, rep(TRUE, 10) & seq(10) > 0, as.matrix(sep[, 1:2]), rep(FALSE, 10)); d <- data.frame(y = a$y, a$x); m <- suppressWarnings(glm(y ~ x1 + x2, binomial, d, weights = a$w, control = tight_glm)); c(n = nrow(d), w = sum(a$w), coef(m), se = sqrt(diag(vcov(m))))})", pkg)

# long runs of mice: the same in distribution, within Monte Carlo error
long <- function(data, m, iterations, seed, f) { i <- mice(data, m = m, maxit = iterations, seed = seed, printFlag = FALSE)
  q <- sapply(seq_len(m), function(k) f(complete(i, k))); c(mean = rowMeans(q), sd = apply(q, 1, sd)) }
record("own.mi.nhanes", "mice pmm, m = 400: lm(chl ~ age + bmi)", "mice_nhanes", "long(mice::nhanes, 400, 10, 11, function(d) coef(lm(chl ~ age + bmi, d)))", pkg)
gaps <- pbc[, c("age", "sex", "bili", "albumin", "protime", "chol", "copper", "hepato", "edema", "stage")]
gaps <- transform(gaps, sex = factor(sex), bili = log(bili), chol = log(chol), copper = log(copper), hepato = factor(hepato), edema = factor(edema), stage = factor(stage, ordered = TRUE))
gaps$edema[seq(1, 418, 5)] <- NA; gaps$stage[seq(2, 418, 4)] <- NA
record("own.mi.pbc", "mice pmm, logreg, polyreg, polr, m = 100: means", "pbc with gaps", "long(gaps, 100, 10, 12, function(d) c(chol = mean(d$chol), copper = mean(d$copper), hepato = mean(d$hepato == 1), edema = mean(d$edema == 0), stage4 = mean(d$stage == 4), slope = unname(coef(lm(copper ~ chol + stage, d))[2])))", pkg)
# drop-out, written out: of pbc, those with a copper measurement
stay <- transform(pbc, stayed = as.numeric(!is.na(copper)))
record("own.mi.dropout", "IPW, plain and stabilized", "pbc", "local({m <- glm(stayed ~ age + sex + bili, binomial, stay, control = tight_glm); w <- (1 / fitted(m))[stay$stayed == 1]; s <- w * mean(stay$stayed); c(w[1:3], max(w), ess = sum(w)^2 / sum(w^2), s[1:3], mean(s)  )})", pkg)
finish("missing")
