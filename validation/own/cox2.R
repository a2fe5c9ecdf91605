# Adjusted survival curves, shared frailty, Cox figures. Usage: see record.R.
suppressMessages({library(survival); library(survey); library(splines)})
source("validation/own/record.R")
veteran <- read("veteran"); heart <- read("heart"); lung <- read("lung"); colon <- read("colon"); rotterdam <- read("rotterdam")
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)
# derivative by central differences, extrapolated twice (Richardson): error of order h^6
derivative <- function(f, h) { D <- function(h) (f(h) - f(-h)) / (2 * h); a <- D(h); b <- D(h / 2); c <- D(h / 4); (64 * c - 20 * b + a) / 45 }
# survival at the times that a fit predicts for each row of d, exposure set to a level, averaged with weights w
averaged <- function(m, d, w, name, levels, times) unlist(lapply(levels, function(a) { d[[name]] <- a
  s <- summary(survfit(m, newdata = d, se.fit = FALSE), times = times)$surv
  if (is.null(dim(s))) s <- matrix(s, nrow = length(times)); drop(s %*% w) / sum(w) }))
# variance of the model: coefficients and baseline hazard independent, covariates as they are. Gradients in the
# coefficients by differences; the baseline hazard, with d deaths, has variance sum of dL^2 / d (Breslow), and moves the average by sum of S r
model_variance <- function(f, d, name, levels, t) {
  m <- coxph(f, d, ties = "breslow", control = tight, model = TRUE); p <- length(coef(m))
  at <- function(b) coxph(f, d, ties = "breslow", init = b, control = coxph.control(iter.max = 0), model = TRUE)
  g <- sapply(seq_len(p), function(j) derivative(function(h) { b <- coef(m); b[j] <- b[j] + h; averaged(at(b), d, rep(1, nrow(d)), name, levels, t) }, .05 * sqrt(vcov(m)[j, j])))
  k <- coxph.detail(m); v <- sum(k$varhaz[k$time <= t]); H <- sum(k$hazard[k$time <= t])
  A <- sapply(levels, function(a) { e <- d; e[[name]] <- a; s <- drop(exp(-H * (r <- exp(predict(m, e, type = "lp", reference = "sample"))))); mean(s * r) })
  s <- averaged(m, d, rep(1, nrow(d)), name, levels, t); V <- g %*% vcov(m) %*% t(g) + v * A %o% A
  c(s, se = sqrt(diag(V)), rd = s[1] - s[2], se.rd = sqrt(V[1, 1] + V[2, 2] - 2 * V[1, 2]))
}
# influence of the weight of each row on whatever `f(w)` gives, by differences
influence_of <- function(f, w) t(sapply(seq_along(w), function(i) w[i] * derivative(function(h) { w[i] <- w[i] + h; f(w) }, .05)))
sv <- c("survival"); ss <- c("survey", "survival")
vet <- transform(veteran, w = 1 + .5 * (age > 60), site = (seq_len(nrow(veteran)) - 1) %/% 7)
fitted_with <- function(f, d, w, ...) { d$.w <- w; coxph(f, d, weights = .w, robust = FALSE, control = tight, model = TRUE, ...) }

record("own.adj.model", "Average predicted survival, its model-based error, difference", "veteran", "model_variance(Surv(time, status) ~ trt + karno + age, veteran, 'trt', 1:2, 120)", sv)
record("own.adj.model.factor", "The same with an interaction and a covariate of levels", "veteran", "model_variance(Surv(time, status) ~ trt * karno + celltype, veteran, 'trt', 1:2, 200)", sv)
record("own.adj.one", "A single person: survfit.coxph with its error, Efron, late entry, strata", "heart", "local({m <- coxph(Surv(start, stop, event) ~ age + year + strata(surgery), heart, control = tight); s <- summary(survfit(m, newdata = data.frame(age = c(-5, 5), year = 2, surgery = 0)), times = c(50, 200)); c(s$surv, s$std.err)})", sv)
of_arms <- "function(w) averaged(fitted_with(Surv(time, status) ~ trt + karno + age, vet, w), vet, w, 'trt', 1:2, c(60, 180))"
record("own.adj.robust", "Average predicted survival, Efron, weights; robust error by differences of each weight", "veteran", paste("local({f <-", of_arms, "; u <- influence_of(f, vet$w); c(f(vet$w), sqrt(colSums(u^2)))})"), sv)
record("own.adj.cluster", "The same in clusters, Breslow, strata; difference and ratio of risks", "veteran", "local({f <- function(w) { s <- averaged(fitted_with(Surv(time, status) ~ trt + karno + strata(prior), vet, w, ties = 'breslow'), vet, w, 'trt', 1:2, 90); c(s, s[1] - s[2], log((1 - s[2]) / (1 - s[1]))) }; w <- rep(1, nrow(vet)); u <- rowsum(influence_of(f, w), vet$site); c(f(w), sqrt(colSums(u^2)))})", sv)
record("own.adj.paf", "Attributable fraction by a time, log(1 - fraction), robust error by differences", "veteran", "local({f <- function(w) { m <- fitted_with(Surv(time, status) ~ trt + karno + age, vet, w); s <- averaged(m, vet, w, 'trt', 1, 120); o <- sum(w * summary(survfit(m, newdata = vet, se.fit = FALSE), times = 120)$surv) / sum(w); log((1 - s) / (1 - o)) }; w <- rep(1, nrow(vet)); u <- t(influence_of(f, w)); c(paf = 1 - exp(f(w)), se = sqrt(sum(u^2)))})", sv)
dvet <- svydesign(id = ~site, strata = ~prior, weights = ~w, data = vet, nest = TRUE)
scaled <- vet$w / mean(vet$w)
record("own.adj.survey", "The same, survey design: svyrecvar of the influences", "veteran", paste("local({f <-", of_arms, "; u <- influence_of(f, scaled); sqrt(diag(svyrecvar(u, dvet$cluster, dvet$strata, dvet$fpc)))})"), ss)
record("own.adj.replicates", "The same, replicate weights (JKn): svrVar of refits", "veteran", paste("local({f <-", of_arms, "; j <- as.svrepdesign(dvet, type = 'JKn'); r <- t(apply(weights(j, 'analysis'), 2, function(w) { d <- vet; d$.w <- w; d <- subset(d, .w > 0); averaged(coxph(Surv(time, status) ~ trt + karno + age, d, weights = .w, robust = FALSE, control = tight, model = TRUE), d, d$.w, 'trt', 1:2, c(60, 180)) })); sqrt(diag(svrVar(r, j$scale, j$rscales, mse = FALSE, coef = NULL)))})"), ss)
record("own.cox.curve.survey", "Predicted survival of two persons, survey design, strata of the model: svyrecvar of the influences", "veteran", "local({f <- function(w) c(summary(survfit(fitted_with(Surv(time, status) ~ trt + karno + strata(celltype), vet, w), newdata = data.frame(trt = 1, karno = c(40, 80), celltype = 'squamous'), se.fit = FALSE), times = c(60, 180))$surv); u <- influence_of(f, scaled); c(f(scaled), sqrt(diag(svyrecvar(u, dvet$cluster, dvet$strata, dvet$fpc))))})", ss)

# coxph stops the search for theta when the likelihood hardly changes: here its score (by the envelope theorem, with
# coxph's own frailties at a given theta) is solved for 0
to_the_end <- function(f, d, group, ...) {
  at <- function(t) { theta. <<- t; suppressWarnings(coxph(f, d, control = coxph.control(eps = 1e-15, iter.max = 2000, toler.chol = 1e-15), ...)) }
  score <- function(x) { m <- at(exp(x)); nu <- exp(-x); y <- m$y; n <- tapply(y[, ncol(y)], group, sum); w <- m$frail
    -sum(w - expm1(w) + digamma(nu + n) - digamma(nu) - log1p(n / nu)) }
  theta <- exp(uniroot(score, c(-5, 1.5), tol = 1e-14)$root); m <- at(theta)
  c(coef(m), se = sqrt(diag(m$var)), theta = theta, loglik = m$history[[1]]$c.loglik, frailty = exp(m$frail[1:2]))
}
kidney <- read("kidney"); rats <- read("rats"); females <- subset(rats, sex == "f"); first <- subset(colon, etype == 1 & !is.na(nodes)); first$village <- (first$id - 1) %/% 20
record("own.frailty.rats", "Gamma frailty, to convergence", "rats (female)", "to_the_end(Surv(time, status) ~ rx + frailty(litter, theta = theta.), females, females$litter)", sv)
record("own.frailty.kidney", "Gamma frailty, covariate of levels, to convergence", "kidney", "to_the_end(Surv(time, status) ~ age + sex + frailty(id, theta = theta.), kidney, kidney$id)", sv)
record("own.frailty.breslow", "Gamma frailty, Breslow, stratified", "rats", "to_the_end(Surv(time, status) ~ rx + strata(sex) + frailty(litter, theta = theta.), rats, rats$litter, ties = 'breslow')", sv)
record("own.frailty.entry", "Gamma frailty, late entry", "kidney, entry at 7 days or half of the time", "local({k <- transform(kidney, from = pmin(7, time / 2)); to_the_end(Surv(from, time, status) ~ age + sex + frailty(id, theta = theta.), k, k$id)})", sv)

# natural spline of 4 degrees of freedom through scaled Schoenfeld residuals, as plot.cox.zph draws it with its band
smooth <- function(z, v) { v <- match(v, colnames(z$y)); p <- seq(min(z$x), max(z$x), length = 40); B <- ns(c(p, z$x), df = 4, intercept = TRUE)
  P <- B[1:40, ]; X <- B[-(1:40), ]; q <- qr(X); f <- drop(P %*% qr.coef(q, z$y[, v])); V <- chol2inv(q$qr[1:4, 1:4, drop = FALSE])
  e <- sqrt(z$var[v, v] * rowSums((P %*% V) * P)); k <- c(1, 15, 40); c(p[k], f[k], e[k]) }
record("own.zph.smooth", "plot.cox.zph: abscissa, smooth, half of its band", "veteran", "local({z <- cox.zph(coxph(Surv(time, status) ~ trt + karno + age, veteran, control = tight)); smooth(z, 'karno')})", c("survival"))
record("own.zph.smooth.log", "The same, log time", "veteran", "local({z <- cox.zph(coxph(Surv(time, status) ~ trt + karno + age, veteran, control = tight), transform = 'log'); smooth(z, 'age')})", c("survival"))
finish("cox2")
