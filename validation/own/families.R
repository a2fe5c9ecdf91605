# Further families and links: complementary log-log, identity, negative binomial, Firth, profile likelihood. Usage: see
# record.R.
suppressMessages({library(MASS); library(sandwich); library(clubSandwich)})
source("validation/own/record.R")
epil <- read("epil"); infert <- read("infert"); bacteria <- read("bacteria"); rott <- read("rotterdam"); colon <- read("colon"); quine <- read("quine"); endo <- read("endometrial")
bacteria$y <- as.integer(bacteria$y == "y"); bacteria$trt <- factor(bacteria$trt, c("placebo", "drug", "drug+"))
trial <- subset(colon, etype == 1); trial$village <- (trial$id - 1) %/% 20  # an invented design
# glm converges slowly where the link is not canonical: go on from where it stopped
tight <- list(epsilon = 1e-300, maxit = 200)
fit <- function(...) { call <- match.call(expand.dots = TRUE); call[[1]] <- quote(stats::glm); call$control <- tight
  m <- suppressWarnings(eval(call, parent.frame()))
  for (i in 1:20) { call$start <- coef(m); m <- suppressWarnings(eval(call, parent.frame())) }
  m }
se <- function(v) sqrt(diag(v))
hc <- function(m, kinds = c("HC0", "HC1", "HC3")) unlist(lapply(kinds, function(k) se(vcovHC(m, type = k))))
cr <- function(m, cluster, kinds = c("CR0", "CR1", "CR2", "CR3")) unlist(lapply(kinds, function(k) se(as.matrix(vcovCR(m, cluster, k)))))
# theta and coefficients in turn until both stand (glm.nb itself stops at a relative change of 1e-8); then a glm of that theta,
# whose variances hold it fixed, as those of glm.nb do
nb <- function(formula, data, w = rep(1, nrow(data))) { data$w <- w; environment(formula) <- environment()
  theta <- suppressWarnings(glm.nb(formula, data, weights = w))$theta
  for (i in 1:40) { m <- suppressWarnings(glm(formula, negative.binomial(theta), data, weights = w, control = glm.control(1e-15, 100)))
    theta <- as.numeric(suppressWarnings(theta.ml(m$y, fitted(m), weights = w, limit = 200, eps = 1e-15))) }
  m <- fit(formula, negative.binomial(theta), data, weights = w); m$theta <- theta; m }
nb_all <- function(m) { y <- m$y; mu <- fitted(m); th <- m$theta; w <- m$prior.weights
  info <- sum(w * (-trigamma(th + y) + trigamma(th) - 1 / th + 2 / (mu + th) - (y + th) / (mu + th)^2))
  c(coef(m), se = se(summary(m, dispersion = 1)$cov.scaled), theta = th, se.theta = info^-.5, loglik = sum(w * dnbinom(y, th, mu = mu, log = TRUE))) }
# profile likelihood, solved by uniroot: limits and likelihood ratio statistics of all coefficients
profiled <- function(m, quantile = qchisq(.95, 1), far = 8) { X <- model.matrix(m); y <- m$y; w <- m$prior.weights; o <- m$offset; if (is.null(o)) o <- rep(0, length(y))
  l <- function(X, o) { g <- suppressWarnings(glm.fit(X, y, w, offset = o, family = m$family, control = tight)); for (i in 1:3) g <- suppressWarnings(glm.fit(X, y, w, offset = o, family = m$family, control = tight, start = g$coefficients)); g$deviance }
  fall <- function(j, b) l(X[, -j, drop = FALSE], o + b * X[, j]) - m$deviance
  root <- function(j, side) uniroot(function(b) fall(j, b) - quantile, sort(coef(m)[j] + side * c(0, far) * se(vcov(m))[j]), tol = 1e-14, extendInt = if (side > 0) "upX" else "downX")$root
  k <- seq_along(coef(m)); c(low = sapply(k, root, -1), high = sapply(k, root, 1), lr = sapply(k, fall, 0)) }
# Firth (1993): the modified score solved by scoring; profile as Heinze & Schemper (2002), penalty of the whole information
penalized <- function(X, y, w, o, b = rep(0, ncol(X)), free = rep(TRUE, ncol(X))) { for (i in 1:2000) {
    p <- plogis(drop(X %*% b) + o); W <- w * p * (1 - p); I <- crossprod(X * sqrt(W)); h <- W * rowSums((X %*% solve(I)) * X)
    if (!any(free)) break
    step <- solve(I[free, free], crossprod(X, w * (y - p) + h * (.5 - p))[free]); b[free] <- b[free] + step / max(1, max(abs(X[, free, drop = FALSE] %*% step)) / 2)
    if (max(abs(step)) < 1e-15) break }
  list(b = b, se = se(solve(I)), l = sum(w * ifelse(y == 1, plogis(drop(X %*% b) + o, log.p = TRUE), plogis(-drop(X %*% b) - o, log.p = TRUE))) + .5 * as.numeric(determinant(I)$modulus)) }
firth <- function(formula, data, w = rep(1, nrow(data)), o = rep(0, nrow(data)), quantile = qchisq(.95, 1)) { X <- model.matrix(formula, data); y <- model.response(model.frame(formula, data))
  m <- penalized(X, y, w, o); k <- seq_along(m$b)
  fall <- function(j, b) { free <- k != j; start <- m$b; start[j] <- b; 2 * (m$l - penalized(X, y, w, o, start, free)$l) }
  root <- function(j, side) uniroot(function(b) fall(j, b) - quantile, sort(m$b[j] + side * c(0, 4) * m$se[j]), tol = 1e-14, extendInt = if (side > 0) "upX" else "downX")$root
  c(b = m$b, se = m$se, low = sapply(k, root, -1), high = sapply(k, root, 1), lr = sapply(k, fall, 0), l = m$l) }
s <- c("sandwich", "clubSandwich"); v <- c("MASS", "sandwich", "clubSandwich")
record("own.link.cloglog", "Binomial, complementary log-log, HC, CR", "colon, recurrence", "local({m <- fit(status ~ rx + factor(surg) + I(age / 10), binomial('cloglog'), trial); c(coef(m), se = se(vcov(m)), hc(m), cr(m, trial$village), loglik = logLik(m))})", s)
record("own.link.cloglog.offset", "Binomial, complementary log-log, log time at risk", "rotterdam", "local({m <- fit(death ~ hormon + meno + factor(grade) + offset(log(dtime / 3652.5)), binomial('cloglog'), rott); c(coef(m), se = se(vcov(m)), loglik = logLik(m))})", s)
record("own.link.identity", "Binomial, identity, HC, CR", "colon, recurrence", "local({m <- fit(status ~ rx + factor(surg) + I(age / 10), binomial('identity'), trial, start = c(.5, 0, 0, 0, 0)); c(coef(m), se = se(vcov(m)), hc(m), cr(m, trial$village), loglik = logLik(m))})", s)
record("own.link.identity.weights", "Binomial, identity, weights, HC0", "infert", "local({m <- fit(case ~ spontaneous + parity, binomial('identity'), infert, weights = 1 + (age > 30), start = c(.3, 0, 0)); c(coef(m), se = se(vcov(m)), hc(m, 'HC0'))})", s)
record("own.nb.quine", "Negative binomial to convergence", "MASS::quine", "nb_all(nb(Days ~ Eth + Sex + Age + Lrn, quine))", v)
record("own.nb.epil", "Negative binomial, interaction, HC", "epil", "local({m <- nb(y ~ lbase * trt + lage + V4, epil); c(nb_all(m), hc(m))})", v)
record("own.nb.epil.cr", "Negative binomial, offset, CR0 CR1 CR2 CR3", "epil", "local({m <- nb(y ~ trt + lage + period + offset(log(base / 4)), epil); c(nb_all(m), cr(m, epil$subject))})", v)
record("own.nb.nodes", "Negative binomial of many counts", "rotterdam", "nb_all(nb(nodes ~ meno * hormon + size, rott))", v)
record("own.nb.weights", "Negative binomial, frequency weights", "epil", "nb_all(nb(y ~ trt + lbase, epil, 1 + epil$subject %% 3))", v)
record("own.profile.logit", "Logistic, profile likelihood", "infert", "profiled(fit(case ~ spontaneous + induced + I(age / 10) + factor(education), binomial, infert))")
record("own.profile.logit.90", "Logistic, profile likelihood 90%, weights", "bacteria", "profiled(fit(y ~ trt + week, binomial, bacteria, weights = 1 + (week > 4)), qchisq(.9, 1))")
record("own.profile.poisson", "Poisson, offset, profile likelihood", "epil", "profiled(fit(y ~ trt + lage + V4 + offset(log(base / 4)), poisson, epil))")
record("own.profile.cloglog", "Complementary log-log, profile likelihood", "bacteria", "profiled(fit(y ~ trt + week, binomial('cloglog'), bacteria))")
record("own.profile.logbin", "Log-binomial, profile likelihood", "colon, recurrence", "local({m <- fit(status ~ node4 + I(age / 10) + factor(surg), binomial('log'), trial, start = c(log(.4), 0, 0, 0)); X <- model.matrix(m); o <- function(j, b, side) { near <- coef(m)[j]; g <- coef(m)[-j]; for (t in seq(near, b, length.out = 12)) g <- glm.fit(X[, -j], trial$status, offset = t * X[, j], family = binomial('log'), start = g, control = list(epsilon = 1e-15, maxit = 400))$coefficients; for (i in 1:5) { f <- glm.fit(X[, -j], trial$status, offset = b * X[, j], family = binomial('log'), start = g, control = tight); g <- f$coefficients }; f$deviance - m$deviance }; root <- function(j, side) uniroot(function(b) o(j, b) - qchisq(.95, 1), coef(m)[j] + sort(side * c(1.7, 2.3)) * se(vcov(m))[j], tol = 1e-14)$root; suppressWarnings(c(low = sapply(1:4, root, -1), high = sapply(1:4, root, 1), lr = sapply(1:4, function(j) if (j == 1) NA else o(j, 0))))})", s)
# none of 4 unexposed ill, 3 of 6 exposed: the maximum is that of the exposed alone, the lower limit of the log odds ratio finite
record("own.profile.separated", "Logistic, no event among the unexposed: lower limit", "typed", "local({x <- rep(0:1, c(4, 6)); y <- c(0,0,0,0, 1,1,1,0,0,0); top <- 6 * log(2); fall <- function(b) suppressWarnings(glm.fit(rep(1, 10), y, offset = b * x, family = binomial(), control = tight))$deviance - 2 * top; c(low = uniroot(function(b) fall(b) - qchisq(.95, 1), c(-1, 4), tol = 1e-14)$root, lr = fall(0))})")
record("own.firth.endometrial", "Firth, profile penalized likelihood", "brglm2::endometrial", "firth(HG ~ NV + PI + EH, endo)")
record("own.firth.separated", "Firth, separated both ways", "typed", "firth(y ~ x + z, data.frame(y = rep(0:1, each = 10), x = rep(0:1, c(5, 15)), z = rep(0:1, 10)))")
record("own.firth.factor", "Firth, a level without events", "typed", "firth(y ~ a + age, data.frame(a = rep(c('p', 'q', 'r'), c(8, 7, 6)), age = c(3,1,4,1,5,9,2,6, 5,3,5,8,9,7,9, 3,2,3,8,4,6), y = c(0,1,0,0,1,1,0,1, 0,0,0,0,0,0,0, 1,1,0,1,1,0)))")
record("own.firth.infert", "Firth, weights and offset, 90%", "infert", "firth(case ~ spontaneous + induced, infert, 1 + (infert$parity > 2), infert$age / 100, qchisq(.9, 1))")
record("own.firth.bacteria", "Firth, a factor of three levels", "bacteria", "firth(y ~ trt + week, bacteria)")
record("own.firth.small", "Firth, eight people", "typed", "firth(y ~ x, data.frame(y = c(0,0,0,1,1,1,0,0), x = rep(0:1, c(3, 5))))")
finish("families")
