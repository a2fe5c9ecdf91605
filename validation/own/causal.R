# Standardized risks, propensity weights, doubly robust estimates, mediation. Usage: see record.R.
suppressMessages({library(survey); library(numDeriv)})
source("validation/own/record.R")
birthwt <- read("birthwt"); bacteria <- read("bacteria"); colon <- read("colon"); epil <- read("epil"); lung <- read("lung"); nh <- read("nhanes"); infert <- read("infert")
birthwt$race <- factor(birthwt$race); birthwt$block <- seq_len(nrow(birthwt)) %% 23; birthwt$visits <- pmin(birthwt$ftv, 3)
bacteria$y <- as.numeric(bacteria$y == "y"); bacteria$trt <- factor(bacteria$trt, c("placebo", "drug", "drug+"))
trial <- subset(colon, etype == 1); trial$rx <- factor(trial$rx); epil$trt <- factor(epil$trt); trial$w <- 1 + (trial$id %% 5)
lung <- na.omit(lung[, c("wt.loss", "sex", "age", "ph.ecog")])
infert$education <- factor(infert$education, c("0-5yrs", "6-11yrs", "12+ yrs")); infert$any <- as.numeric(infert$spontaneous > 0)
tight <- list(epsilon = 1e-300, maxit = 200)
fit <- function(...) { call <- match.call(expand.dots = TRUE); call[[1]] <- quote(stats::glm); call$control <- tight; call$x <- TRUE
  m <- suppressWarnings(eval(call, parent.frame()))
  for (i in 1:20) { call$start <- coef(m); m <- suppressWarnings(eval(call, parent.frame())) }  # see glm.R
  m }
# Stacked estimating equations (Stefanski & Boos 2002, Am Stat 56:29): psi(theta) is (n, q) with sum 0 at the estimates;
# everything is differentiated numerically, nothing is shared with the package's formulas
m_estimate <- function(psi, theta, cluster = NULL) {
  U <- psi(theta); stopifnot(max(abs(colSums(U))) < 1e-6)
  influence <- -U %*% t(solve(jacobian(function(t) colSums(psi(t)), theta)))
  if (is.null(cluster)) return(crossprod(influence))
  G <- length(unique(cluster)); crossprod(rowsum(influence, cluster)) * G / (G - 1) }
delta <- function(f, theta, V) { J <- jacobian(f, theta); c(f(theta), se = sqrt(diag(J %*% V %*% t(J)))) }
score <- function(X, y, b, mean = plogis, w = 1) X * w * drop(y - mean(X %*% b))  # canonical links
# of the averages (the reference first): logit or log of each, difference and log ratio, odds ratio
risks <- function(m) c(qlogis(m), m[-1] - m[1], log(m[-1] / m[1]))
with_odds <- function(m) c(qlogis(m), m[2] - m[1], log(m[2] / m[1]), qlogis(m[2]) - qlogis(m[1]))
numbers <- function(m) c(m, m[-1] - m[1])
# ------------------------------------------------------------------------------------ g-computation
set_to <- function(formula, data, name, values) lapply(values, function(v) { data[[name]][] <- v; model.matrix(formula, data) })
# covariates fixed: the gradient in the coefficients through their covariance
fixed <- function(m, Xs, f, mean = plogis, V = vcov(m), offset = 0) delta(function(b) f(sapply(Xs, function(X) base::mean(mean(X %*% b + offset)))), coef(m), V)
# covariates sampled: the averages are estimated with the coefficients
sampled <- function(m, Xs, f, mean = plogis, cluster = NULL, w = rep(1, length(m$y)), inside = TRUE) {
  X <- model.matrix(m); p <- ncol(X); k <- length(Xs); share <- w * inside
  means <- sapply(Xs, function(X) weighted.mean(mean(X %*% coef(m)), share))
  psi <- function(t) { b <- t[1:p]; cbind(score(X, m$y, b, mean, w), sapply(1:k, function(j) share * (mean(Xs[[j]] %*% b) - t[p + j]))) }
  theta <- c(coef(m), means); V <- m_estimate(psi, theta, cluster)
  delta(f, theta[p + 1:k], V[p + 1:k, p + 1:k]) }
record("own.gcomp.levels", "g-computation, three levels, logistic, model's variance", "birthwt", "fixed(fit(low ~ race + age + smoke, binomial, birthwt), set_to(~ race + age + smoke, birthwt, 'race', factor(1:3)), risks)", "numDeriv")
record("own.gcomp.hc0", "g-computation, logistic with interaction, HC0, covariates sampled", "birthwt", "sampled(fit(low ~ smoke * age + race, binomial, birthwt), set_to(~ smoke * age + race, birthwt, 'smoke', 0:1), risks)", "numDeriv")
record("own.gcomp.exposed", "g-computation among the exposed", "birthwt", "sampled(fit(low ~ smoke * age + race, binomial, birthwt), set_to(~ smoke * age + race, birthwt, 'smoke', 0:1), risks, inside = birthwt$smoke == 1)", "numDeriv")
record("own.gcomp.cluster", "g-computation, logistic, clusters CR1", "bacteria", "sampled(fit(y ~ trt + week, binomial, bacteria), set_to(~ trt + week, bacteria, 'trt', factor(levels(bacteria$trt), levels(bacteria$trt))), risks, cluster = bacteria$ID)", "numDeriv")
record("own.gcomp.modpois", "g-computation, modified Poisson with weights, HC0", "colon, recurrence", "sampled(fit(status ~ rx + age, poisson, trial, weights = w), set_to(~ rx + age, trial, 'rx', factor(levels(trial$rx))), risks, exp, w = trial$w)", "numDeriv")
record("own.gcomp.logbin", "g-computation, log-binomial, numbers 20 and 30", "birthwt", "fixed(fit(low ~ age + smoke, binomial('log'), birthwt, start = c(log(.3), 0, 0)), set_to(~ age + smoke, birthwt, 'age', c(20, 30)), risks, exp)", "numDeriv")
record("own.gcomp.counts", "g-computation, Poisson with offset", "epil", "fixed(fit(y ~ trt + lbase + offset(lage), poisson, epil), set_to(~ trt + lbase, epil, 'trt', factor(levels(epil$trt))), function(m) c(log(m), m[2] - m[1], log(m[2] / m[1])), exp, offset = epil$lage)", "numDeriv")
record("own.gcomp.linear", "g-computation, linear, t", "lung", "local({m <- lm(wt.loss ~ sex * age + ph.ecog, lung); r <- fixed(m, set_to(~ sex * age + ph.ecog, lung, 'sex', 1:2), numbers, identity); h <- qt(.975, m$df.residual) * r[4:6]; c(r, r[1:3] - h, r[1:3] + h)})", "numDeriv")
nhd <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = transform(nh, race = factor(race)))
# svypredmeans adds the variances of coefficients and covariates (Graubard & Korn 1999); here with their covariance, too
record("own.gcomp.survey", "Predictive margins of a survey, from influences", "nhanes", "local({m <- svyglm(HI_CHOL ~ race + agecat + RIAGENDR, nhd, family = quasibinomial, control = tight); d <- m$survey.design; w <- weights(d); X <- model.matrix(m); p <- ncol(X); f <- model.frame(m); Xs <- lapply(1:4, function(r) { f$race[] <- r; model.matrix(terms(m), f) }); psi <- function(t) cbind(score(X, m$y, t[1:p], w = w), sapply(1:4, function(j) w * (plogis(Xs[[j]] %*% t[1:p]) - t[p + j]))); means <- sapply(Xs, function(X) weighted.mean(plogis(X %*% coef(m)), w)); influence <- -psi(c(coef(m), means)) %*% t(solve(jacobian(function(t) colSums(psi(t)), c(coef(m), means)))); c(means, se = sqrt(diag(vcov(svytotal(influence[, p + 1:4] / w, d)))), coef(svypredmeans(svyglm(HI_CHOL ~ agecat + RIAGENDR, nhd, family = quasibinomial, control = tight), ~race))[as.character(1:4)])})", c("survey", "numDeriv"))
W <- sapply(1:12, function(r) nh$WTMEC2YR * (1 + .9 * (-1)^(nh$SDMVPSU + nh$SDMVSTRA %/% r + r)))
margins <- function(w, d) { m <- fit(HI_CHOL ~ factor(race) + RIAGENDR, quasibinomial, d, weights = w / mean(w))
  sapply(1:4, function(r) weighted.mean(predict(m, transform(d, race = r), type = "response"), w)) }
record("own.gcomp.replicates", "Predictive margins with replicate weights, BRR", "nhanes", "local({d <- subset(transform(nh, row = seq_len(nrow(nh))), !is.na(HI_CHOL)); m <- margins(d$WTMEC2YR, d); R <- t(apply(W[d$row, ], 2, margins, d)); c(m, se = sqrt(colMeans(sweep(R, 2, colMeans(R))^2)))})")
# ------------------------------------------------------------------------------------ weighting
weight_of <- list(ate = function(a, e) a / e + (1 - a) / (1 - e), att = function(a, e) a + (1 - a) * e / (1 - e), overlap = function(a, e) a * (1 - e) + (1 - a) * e)
weighted <- function(formula, data, y, kind, f, cluster = NULL, trim = 0) {
  m <- fit(formula, binomial, data); Z <- model.matrix(m); a <- m$y; p <- ncol(Z); e <- fitted(m); kept <- e >= trim & e <= 1 - trim & !is.na(y)
  w_of <- function(g) weight_of[[kind]](a, drop(plogis(Z %*% g))) * kept; y[is.na(y)] <- 0; w <- w_of(coef(m))
  means <- sapply(0:1, function(k) weighted.mean(y[a == k], w[a == k]))
  psi <- function(t) { w <- w_of(t[1:p]); cbind(score(Z, a, t[1:p]), w * (1 - a) * (y - t[p + 1]), w * a * (y - t[p + 2])) }
  theta <- c(coef(m), means); V <- m_estimate(psi, theta, cluster); delta(f, theta[p + 1:2], V[p + 1:2, p + 1:2]) }
treated <- smoke ~ age + race + ht + lwt
record("own.ipw.ate", "Weighting, ATE, estimated weights", "birthwt", "weighted(treated, birthwt, birthwt$low, 'ate', with_odds)", "numDeriv")
record("own.ipw.att", "Weighting, ATT, estimated weights, clusters", "birthwt", "weighted(treated, birthwt, birthwt$low, 'att', with_odds, birthwt$block)", "numDeriv")
record("own.ipw.overlap", "Overlap weighting, estimated weights", "birthwt", "weighted(treated, birthwt, birthwt$low, 'overlap', with_odds)", "numDeriv")
record("own.ipw.number", "Weighting of a number with missing values", "birthwt", "weighted(treated, birthwt, ifelse(birthwt$ui == 1, NA, birthwt$bwt), 'ate', numbers)", "numDeriv")
record("own.ipw.trim", "Weighting, scores trimmed at 0.2", "birthwt", "weighted(treated, birthwt, birthwt$low, 'ate', with_odds, trim = .2)", "numDeriv")
record("own.ipw.known", "ATT and overlap weights taken as known, svyglm", "birthwt", "local({e <- fitted(fit(treated, binomial, birthwt)); unlist(lapply(c('att', 'overlap'), function(k) { d <- svydesign(~1, weights = weight_of[[k]](birthwt$smoke, e), data = birthwt); m <- svyglm(low ~ smoke, d); c(coef(m)[2], se = SE(m)[2]) }))})", "survey")
record("own.ipw.converged", "ATE weights taken as known, log RR (iptw.ate to convergence)", "rotterdam", "local({m <- svyglm(d5 ~ hormon, svydesign(~1, weights = ~w, data = read('rotterdam')), family = quasipoisson, control = tight); c(coef(m)[2], se = SE(m)[2])})", "survey")
record("own.ipw.balance", "SMD and effective n with ATT weights", "birthwt", "local({e <- fitted(fit(treated, binomial, birthwt)); a <- birthwt$smoke == 1; w <- weight_of$att(a, e); s <- function(x) sqrt((var(x[a]) + var(x[!a])) / 2); g <- function(x) c(abs(mean(x[a]) - mean(x[!a])), abs(weighted.mean(x[a], w[a]) - weighted.mean(x[!a], w[!a]))) / s(x); c(age = g(birthwt$age), lwt = g(birthwt$lwt), n = c(sum(w[!a])^2 / sum(w[!a]^2), sum(a)))})")
# ------------------------------------------------------------------------------------ doubly robust
aipw <- function(outcome, treatment, data, f, family = binomial, cluster = NULL) {
  mean_of <- if (identical(family, binomial)) plogis else identity
  m <- fit(outcome, family, data); s <- fit(treatment, binomial, data); X <- model.matrix(m); Z <- model.matrix(s); a <- s$y; y <- m$y; p <- ncol(X); q <- ncol(Z)
  Xs <- set_to(delete.response(terms(m)), data, all.vars(treatment)[1], 0:1)
  augmented <- function(b, g) { e <- drop(plogis(Z %*% g)); sapply(0:1, function(k) { r <- if (k) a / e else (1 - a) / (1 - e); u <- drop(mean_of(Xs[[k + 1]] %*% b)); u + r * (y - u) }) }
  means <- colMeans(augmented(coef(m), coef(s)))
  psi <- function(t) cbind(score(X, y, t[1:p], mean_of), score(Z, a, t[p + 1:q]), sweep(augmented(t[1:p], t[p + 1:q]), 2, t[p + q + 1:2]))
  theta <- c(coef(m), coef(s), means); V <- m_estimate(psi, theta, cluster); i <- p + q + 1:2; delta(f, theta[i], V[i, i]) }
record("own.aipw.binary", "AIPW, binary outcome with interaction", "birthwt", "aipw(low ~ smoke * lwt + race, treated, birthwt, with_odds)", "numDeriv")
record("own.aipw.number", "AIPW, number, clusters", "birthwt", "aipw(bwt ~ smoke + lwt + race, treated, birthwt, numbers, gaussian, birthwt$block)", "numDeriv")
record("own.aipw.infert", "AIPW, binary outcome", "infert", "aipw(case ~ any * age + parity, any ~ education + age + parity, infert, with_odds)", "numDeriv")
# ------------------------------------------------------------------------------------ mediation
# of the averages 00, 10, 11: differences, log ratios, proportion mediated
effects <- function(m) c(m[3] - m[1], m[2] - m[1], m[3] - m[2], log(m[3] / m[1]), log(m[2] / m[1]), log(m[3] / m[2]), (m[3] - m[2]) / (m[3] - m[1]))
differences <- function(m) effects(m)[c(1:3, 7)]
stack <- function(a, b) { V <- matrix(0, nrow(a) + nrow(b), ncol(a) + ncol(b)); V[seq_len(nrow(a)), seq_len(nrow(a))] <- a; V[-seq_len(nrow(a)), -seq_len(nrow(a))] <- b; V }
# VanderWeele & Vansteelandt (2009): closed form of two linear models with interaction, at the mean of the covariate
record("own.mediation.linear", "Mediation, both linear with interaction, closed form", "birthwt", "local({M <- lm(lwt ~ smoke + age, birthwt); Y <- lm(bwt ~ smoke * lwt + age, birthwt); c0 <- mean(birthwt$age); f <- function(t) { b <- t[1:3]; h <- t[4:8]; m0 <- b[1] + b[3] * c0; nde <- h[2] + h[5] * m0; nie <- (h[3] + h[5]) * b[2]; c(nde + nie, nde, nie, nie / (nde + nie)) }; delta(f, c(coef(M), coef(Y)), stack(vcov(M), vcov(Y)))})", "numDeriv")
binary_paths <- function(M, Y, data, f, cluster = NULL, robust = FALSE) {
  Z <- set_to(delete.response(terms(M)), data, "smoke", 0:1); p <- length(coef(M)); q <- length(coef(Y))
  X <- lapply(0:1, function(m) set_to(delete.response(terms(Y)), transform(data, ht = m), "smoke", 0:1))
  each <- function(t) { b <- t[1:p]; h <- t[p + 1:q]; sapply(list(c(1, 1), c(2, 1), c(2, 2)), function(k) { P <- plogis(Z[[k[2]]] %*% b); P * plogis(X[[2]][[k[1]]] %*% h) + (1 - P) * plogis(X[[1]][[k[1]]] %*% h) }) }
  theta <- c(coef(M), coef(Y)); if (!robust) return(delta(function(t) f(colMeans(each(t))), theta, stack(vcov(M), vcov(Y))))
  psi <- function(t) cbind(score(model.matrix(M), M$y, t[1:p]), score(model.matrix(Y), Y$y, t[p + 1:q]), sweep(each(t), 2, t[p + q + 1:3]))
  full <- c(theta, colMeans(each(theta))); i <- p + q + 1:3; delta(f, full[i], m_estimate(psi, full, cluster)[i, i]) }
record("own.mediation.binary", "Mediation, binary mediator and outcome, model's variance", "birthwt", "binary_paths(fit(ht ~ smoke + lwt, binomial, birthwt), fit(low ~ smoke * ht + age, binomial, birthwt), birthwt, effects)", "numDeriv")
record("own.mediation.cluster", "Mediation, binary mediator and outcome, clusters", "birthwt", "binary_paths(fit(ht ~ smoke + lwt, binomial, birthwt), fit(low ~ smoke + ht + age, binomial, birthwt), birthwt, effects, birthwt$block, TRUE)", "numDeriv")
# a normal mediator, integrated by the trapezoidal rule on a fine grid (exact to rounding for analytic functions)
normal_paths <- function(robust) { M <- lm(lwt ~ smoke + age, birthwt); Y <- fit(low ~ smoke * lwt + race, binomial, birthwt); z <- seq(-9, 9, .05); qz <- dnorm(z) * .05; n <- nrow(birthwt)
  Z <- set_to(~ smoke + age, birthwt, "smoke", 0:1); p <- 3; q <- length(coef(Y)); X <- function(m) set_to(~ smoke * lwt + race, transform(birthwt, lwt = m), "smoke", 0:1); X0 <- X(0); X1 <- X(1)
  each <- function(t) { b <- t[1:p]; h <- t[p + 1:q]; s <- sqrt(t[p + q + 1]); sapply(list(c(1, 1), c(2, 1), c(2, 2)), function(k) { m <- outer(drop(Z[[k[2]]] %*% b), s * z, "+"); plogis(drop(X0[[k[1]]] %*% h) + m * drop((X1[[k[1]]] - X0[[k[1]]]) %*% h)) %*% qz }) }
  v <- summary(M)$sigma^2; theta <- c(coef(M), coef(Y), v)
  if (!robust) return(delta(function(t) effects(colMeans(each(t))), theta, stack(stack(vcov(M), vcov(Y)), matrix(2 * v^2 / (n - p)))))
  U <- model.matrix(M); y <- birthwt$lwt; psi <- function(t) cbind(score(U, y, t[1:p], identity), score(model.matrix(Y), Y$y, t[p + 1:q]), drop(y - U %*% t[1:p])^2 * n / (n - p) - t[p + q + 1], sweep(each(t), 2, t[p + q + 2:4]))
  full <- c(theta, colMeans(each(theta))); i <- p + q + 2:4; delta(effects, full[i], m_estimate(psi, full)[i, i]) }
record("own.mediation.normal", "Mediation, normal mediator, binary outcome, model's variance", "birthwt", "normal_paths(FALSE)", "numDeriv")
record("own.mediation.robust", "Mediation, normal mediator, binary outcome, HC0", "birthwt", "normal_paths(TRUE)", "numDeriv")
finish("causal")
