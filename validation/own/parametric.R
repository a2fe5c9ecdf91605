# Parametric models of times with any censoring, and discrete time. Usage: see record.R.
suppressMessages({library(survival); library(sandwich); library(clubSandwich)})
source("validation/own/record.R")
s <- "survival"
veteran <- read("veteran"); pbc <- read("pbc"); heart <- read("heart")
veteran$celltype <- factor(veteran$celltype, c("squamous", "adeno", "large", "smallcell")); veteran$t30 <- ceiling(veteran$time / 30)
veteran$id <- seq_len(nrow(veteran)); veteran$w <- 1 + veteran$id %% 3; veteran$village <- veteran$id %% 23
pbc <- subset(pbc, !is.na(copper)); pbc$dead <- as.numeric(pbc$status == 2); pbc$female <- as.numeric(pbc$sex == "f")
heart$exit <- heart$stop; heart$late <- heart$start
visits <- data.frame(
  l = c(NA, 2, 3, 3, 5, 1, NA, 4, 6, 2, 8, 5, 7, 1, NA, 9, 10, 3, 6, 4, 2, NA, 12, 5),
  r = c(2, 5, NA, 3, 9, 4, 1, NA, 8, 2, NA, 7, 7, 3, 3, NA, 14, 5, NA, 6, 2.5, 4, NA, 11),
  x = c(0.2, 1.1, -0.5, 0.3, -1.2, 0.8, 1.5, -0.7, -0.2, 0.4, -1.6, 0.1, -0.3, 0.9, 0.6, -1.0, -0.4, 0.7, 0.0, -0.1, 1.3, 0.5, -1.9, 0.2),
  g = rep(c(0, 1), 12), w = rep(c(1, 2, 3), 8))
tight <- survreg.control(rel.tolerance = 1e-14, maxiter = 300)
fit <- function(formula, data, dist, weights) { data$.w <- if (missing(weights)) 1 else eval(substitute(weights), data); do.call(survreg, list(formula, data, weights = quote(.w), dist = dist, control = tight)) }
se <- function(V) sqrt(diag(V))
all_of <- function(m) c(coef(m), logscale = if (length(m$scale) && !identical(m$scale, 1)) log(m$scale), se = se(vcov(m)), ll = rev(m$loglik)[1])
robust <- function(m, cluster = NULL, factor = 1) {
  d <- residuals(m, type = "dfbeta", weighted = TRUE)
  if (!is.null(cluster)) d <- rowsum(d, cluster)
  sqrt(diag(crossprod(d)) * factor)
}

# ------ likelihoods written out: delayed entry, the generalized gamma (formulas of flexsurv), solved by Newton's method
weights8 <- c(3, -32, 168, -672, 0, 672, -168, 32, -3) / 840
slope8 <- function(f, x, i, h) { v <- lapply((-4:4), function(k) { y <- x; y[i] <- y[i] + k * h; f(y) }); Reduce(`+`, Map(`*`, v, weights8)) / h }
solve_likelihood <- function(ll, start) {
  o <- optim(start, ll, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 2000), hessian = TRUE)
  x <- o$par; size <- 1 / sqrt(abs(diag(o$hessian))); p <- length(x)
  g <- function(u) function(v) sapply(seq_len(p), function(i) slope8(function(q) ll(q * size), v, i, 0.05))
  for (it in 1:8) {
    v <- x / size; G <- g()(v)
    H <- sapply(seq_len(p), function(i) slope8(g(), v, i, 0.05)); H <- (H + t(H)) / 2
    v <- v - solve(H, G); x <- v * size
    if (max(abs(solve(H, G))) < 1e-11) break
  }
  list(par = x, V = solve(-H) * outer(size, size), ll = ll(x))
}
log_gengamma <- function(w, Q) { a <- 1 / Q^2
  # log|Q| (1 - 2 a) + a (Q w - exp(Q w)) - lgamma(a), without the digits that this loses where Q is near 0
  dgamma(a, a, log = TRUE) + log(a) / 2 + a * (Q * w - expm1(Q * w)) }
surv_gengamma <- function(w, Q, log = TRUE) { a <- 1 / Q^2; pgamma(a * exp(Q * w), a, lower.tail = Q < 0, log.p = log) }
gengamma <- function(X, time, status, entry = NULL, weights = 1) { p <- ncol(X)
  function(theta) { mu <- X %*% theta[1:p]; sigma <- exp(theta[p + 1]); Q <- theta[p + 2]
    w <- (log(time) - mu) / sigma
    l <- ifelse(status == 1, log_gengamma(w, Q) - log(sigma) - log(time), surv_gengamma(w, Q))
    if (!is.null(entry)) l <- l - ifelse(entry > 0, surv_gengamma((log(pmax(entry, 1e-300)) - mu) / sigma, Q), 0)
    sum(weights * l) } }
aft <- function(dist, X, time, status, entry, weights = 1) { p <- ncol(X)
  S <- list(weibull = function(z) -exp(z), lognormal = function(z) pnorm(z, lower.tail = FALSE, log.p = TRUE), loglogistic = function(z) plogis(z, lower.tail = FALSE, log.p = TRUE))[[dist]]
  f <- list(weibull = function(z) z - exp(z), lognormal = function(z) dnorm(z, log = TRUE), loglogistic = function(z) dlogis(z, log = TRUE))[[dist]]
  function(theta) { mu <- X %*% theta[1:p]; sigma <- exp(theta[p + 1])
    z <- function(t) (log(t) - mu) / sigma
    l <- ifelse(status == 1, f(z(time)) - log(sigma) - log(time), S(z(time))) - ifelse(entry > 0, S(z(pmax(entry, 1e-300))), 0)
    sum(weights * l) } }
solved <- function(m) c(m$par, se = se(m$V), ll = m$ll)
Xh <- with(heart, cbind(1, age, surgery)); Xv <- with(veteran, cbind(1, trt, karno)); Xp <- with(pbc, cbind(1, female, log(bili)))

record("own.aft.factor", "Weibull AFT with a factor", "veteran", "all_of(fit(Surv(time, status) ~ celltype + karno, veteran, 'weibull'))", s)
record("own.aft.hr", "Weibull hazard ratios, delta method", "veteran", "local({m <- fit(Surv(time, status) ~ trt + karno, veteran, 'weibull'); J <- cbind(-diag(3) / m$scale, coef(m) / m$scale); c((-coef(m) / m$scale)[-1], se = se(J %*% vcov(m) %*% t(J))[-1])})", s)
for (d in c("weibull", "lognormal", "loglogistic", "exponential")) {
  record(paste0("own.aft.pbc.", d), paste("AFT,", d), "pbc", sprintf("all_of(fit(Surv(time, dead) ~ female + log(bili) + age, pbc, '%s'))", d), s)
  record(paste0("own.aft.visits.", d), paste("AFT, interval, left- and right-censored, exact,", d), "24 intervals", sprintf("all_of(fit(Surv(l, r, type = 'interval2') ~ x + g, visits, '%s'))", d), s)
  record(paste0("own.aft.weights.", d), paste("AFT, frequency weights; HC0; CR1,", d), "veteran", sprintf("local({m <- fit(Surv(time, status) ~ trt + karno, veteran, '%s', weights = w); G <- length(unique(veteran$village)); c(coef(m), se = se(vcov(m)), hc0 = robust(m), cr1 = robust(m, veteran$village, G / (G - 1)), ll = m$loglik[2])})", d), s)
}
record("own.aft.visits.gaussian", "Normal regression, interval, left- and right-censored, exact, weights", "24 intervals", "all_of(fit(Surv(l, r, type = 'interval2') ~ x + g, visits, 'gaussian', weights = w))", s)
record("own.aft.quantile", "Quantiles with standard errors", "veteran", "local({n <- data.frame(trt = c(1, 2), karno = c(40, 80)); unlist(lapply(c('weibull', 'lognormal', 'loglogistic'), function(d) { p <- predict(fit(Surv(time, status) ~ trt + karno, veteran, d), n, type = 'quantile', p = c(.1, .5, .9), se.fit = TRUE); c(t(p$fit), t(p$se.fit)) }))})", s)
record("own.aft.survival", "Survival, delta method on log(-log S)", "veteran", "local({m <- fit(Surv(time, status) ~ trt + karno, veteran, 'lognormal'); x <- c(1, 1, 60); z <- (log(c(30, 180)) - sum(x * coef(m))) / m$scale; S <- pnorm(-z); g <- dnorm(z) * t(sapply(z, function(z) c(x / m$scale, z))); e <- sqrt(rowSums(g %*% vcov(m) * g)); h <- qnorm(.975) * e / (S * log(S)); c(S = S, se = e, low = S^exp(-h), high = S^exp(h))})", s)
for (d in c("weibull", "lognormal", "loglogistic")) record(paste0("own.aft.entry.", d), paste("AFT, delayed entry,", d), "heart", sprintf("solved(solve_likelihood(with(heart, aft('%s', Xh, exit, event, late)), c(6, 0, 0, 0.5)))", d))
record("own.gengamma.veteran", "Generalized gamma", "veteran", "solved(solve_likelihood(with(veteran, gengamma(Xv, time, status)), c(3, 0, 0.03, 0, 0.6)))")
record("own.gengamma.pbc", "Generalized gamma, weights", "pbc", "solved(solve_likelihood(with(pbc, gengamma(Xp, time, dead, weights = 1 + (age > 50))), c(9, 0, -0.7, -0.2, 0.5)))")
record("own.gengamma.entry", "Generalized gamma, delayed entry", "heart", "solved(solve_likelihood(with(heart, gengamma(Xh, exit, event, late)), c(6, 0, 0, 0.5, -0.5)))")
record("own.gengamma.survival", "Generalized gamma: survival and median, delta method", "veteran", "local({m <- solve_likelihood(with(veteran, gengamma(Xv, time, status)), c(3, 0, 0.03, 0, 0.6)); S <- function(th) surv_gengamma((log(90) - sum(c(1, 1, 60) * th[1:3])) / exp(th[4]), th[5], FALSE); q <- function(th) { Q <- th[5]; a <- 1 / Q^2; exp(sum(c(1, 1, 60) * th[1:3]) + exp(th[4]) * log(qgamma(if (Q > 0) .5 else .5, a) / a) / Q) }; d <- function(f) { g <- sapply(1:5, function(i) slope8(f, m$par, i, 0.05 * se(m$V)[i])); sqrt(drop(g %*% m$V %*% g)) }; c(S = S(m$par), se = d(S), median = q(m$par), se = d(q))})")

# glm's covariance is that of the step before the last: begin once more at the maximum
end <- function(m) { m$call$start <- coef(m); eval(m$call, parent.frame()) }
glm_tight <- list(epsilon = 1e-14, maxit = 100)
split30 <- function(data, cuts, ...) { v <- survSplit(Surv(t30, status) ~ ., data, cut = cuts, episode = "tg"); v }
record("own.discrete.cr2", "Discrete time, joined intervals, CR1 and CR2 with df", "veteran", "local({v <- split30(veteran, 1:40); v$tg <- pmin(v$tg, 8); m <- end(glm(status ~ factor(tg) + trt + karno, binomial('cloglog'), v, control = glm_tight)); k <- c('trt', 'karno'); t <- coef_test(m, vcovCR(m, v$village, 'CR2'), test = 'Satterthwaite'); c(coef(m)[k], se(vcov(m))[k], cr1 = se(as.matrix(vcovCR(m, v$village, 'CR1')))[k], cr2 = t[k, 'SE'], df = t[k, 'df_Satt'])})", c(s, "clubSandwich"))
record("own.discrete.weights", "Discrete time, weights, persons as clusters", "veteran", "local({v <- split30(veteran, 1:40); v$tg <- pmin(v$tg, 8); m <- suppressWarnings(end(glm(status ~ factor(tg) + trt + karno, binomial('cloglog'), v, weights = w, control = glm_tight))); mu <- fitted(m); eta <- m$linear.predictors; U <- model.matrix(m) * v$w * (v$status - mu) * exp(eta - exp(eta)) / (mu * (1 - mu)); U <- rowsum(U, v$id); B <- vcov(m); G <- nrow(U); k <- c('trt', 'karno'); c(coef(m)[k], cr1 = sqrt(diag(B %*% crossprod(U) %*% B) * G / (G - 1))[ncol(B) - 1:0])})", s)
record("own.discrete.survival", "Discrete time: survival by interval, delta method", "veteran", "local({v <- survSplit(Surv(time, status) ~ ., veteran, cut = c(60, 120, 240, 480), episode = 'tg'); m <- end(glm(status ~ factor(tg) + trt + karno, binomial('cloglog'), v, control = glm_tight)); n <- data.frame(tg = 1:4, trt = 2, karno = 70); X <- model.matrix(~ factor(tg, 1:5) + trt + karno, n); h <- exp(X %*% coef(m))[, 1]; S <- exp(-cumsum(h)); g <- apply(h * X, 2, cumsum); e <- sqrt(rowSums(g %*% vcov(m) * g)); half <- qnorm(.975) * e / log(S); c(S = S, se = S * e, low = S^exp(-half), high = S^exp(half))})", s)
record("own.discrete.entry", "Discrete time, late entry", "heart", "local({d <- transform(heart, start = ceiling(late / 50), stop = ceiling((exit + .5) / 50)); d <- subset(d, stop > start); v <- survSplit(Surv(start, stop, event) ~ ., d, cut = 1:6, episode = 'tg'); m <- end(glm(event ~ factor(tg) + age + surgery, binomial('cloglog'), v, control = glm_tight)); c(coef(m), se = se(vcov(m)))})", s)
record("own.pwexp.entry", "Piecewise exponential, late entry", "heart", "local({v <- survSplit(Surv(late, exit, event) ~ ., heart, cut = c(30, 90, 365), episode = 'tg'); m <- end(glm(event ~ factor(tg) + age + surgery + offset(log(exit - late)), poisson, v, control = glm_tight)); c(coef(m), se = se(vcov(m)))})", s)
finish("parametric")
