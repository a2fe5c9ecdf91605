# Competing risks and several states: Aalen-Johansen, Gray, Fine-Gray. Usage: see record.R.
suppressMessages({library(survival); library(cmprsk)})
source("validation/own/record.R")
# transplant (1) competes with death (2); months, so that times are tied
pbc <- local({d <- read("pbc"); d$month <- ceiling(d$time / 91); d$begin <- pmin(d$month - 1, (d$id %% 4) * 3)
  d$w <- 1 + .5 * (d$age > 50); d$center <- d$id %% 25; d$state <- factor(d$status, 0:2, c("censored", "transplant", "death"))
  d$group <- d$id %% 3; d})
complete <- subset(pbc, !is.na(stage))
at <- c(5, 15, 30)
# survfit 3.5-3 takes cluster = but not for its standard errors of several states: here its influences are summed
in_clusters <- function(fit, cluster, times, w = 1) { k <- findInterval(times, fit$time)
  se <- sapply(k, function(j) sqrt(colSums(rowsum(w * fit$influence.pstate[, j + 1, ], cluster)^2)))
  own <- sapply(k, function(j) sqrt(colSums((w * fit$influence.pstate[, j + 1, ])^2)))
  stopifnot(max(abs(own - t(fit$std.err[k, ]))) < 1e-14)
  c(p = fit$pstate[k, ], se = t(se)) }
two <- function(fit, times = at) { s <- summary(fit, times = times); c(p = s$pstate[, -1], se = s$std.err[, -1]) }
record("own.cif.sex", "CIF, ties, log-log", "pbc", "local({s <- summary(survfit(Surv(month, state) ~ sex, pbc, conf.type = 'log-log'), times = at); c(p = s$pstate[, -1], se = s$std.err[, -1], low = s$lower[, -1], high = s$upper[, -1])})", "survival")
for (kind in c("log", "plain", "logit", "arcsin")) record(paste0("own.cif.ci.", kind), paste("CIF,", kind), "pbc", sprintf("local({f <- survfit(Surv(month, state) ~ 1, pbc, conf.type = '%s'); k <- findInterval(c(10, 20, 30), f$time); n <- length(f$time); c(low = matrix(f$lower, n)[k, -1], high = matrix(f$upper, n)[k, -1])})", kind), "survival")
record("own.cif.weights", "CIF, weights", "pbc", "two(survfit(Surv(month, state) ~ sex, pbc, weights = w))", "survival")
record("own.cif.entry", "CIF, late entry", "pbc", "two(survfit(Surv(begin, month, state) ~ 1, pbc, id = id))", "survival")
record("own.cif.cluster", "CIF, clusters", "pbc", "in_clusters(survfit(Surv(month, state) ~ 1, pbc, influence = TRUE), pbc$center, at)", "survival")
record("own.cif.all", "CIF, late entry, weights, clusters", "pbc", "in_clusters(survfit(Surv(begin, month, state) ~ 1, pbc, id = id, weights = w, influence = TRUE), pbc$center, at, pbc$w)", "survival")
record("own.cif.se.end", "CIF, standard errors at all times", "pbc", "local({s <- survfit(Surv(month, state) ~ 1, pbc); c(s$std.err[, -1])})", "survival")
record("own.cuminc.stage", "cuminc, four groups", "pbc", "local({x <- cuminc(complete$month, complete$status, complete$stage); t <- timepoints(x, at); c(est = t$est, var = t$var)})", "cmprsk")
record("own.gray.stage", "Gray, four groups", "pbc", "local({x <- cuminc(complete$month, complete$status, complete$stage)$Tests; c(x[, 'stat'], x[, 'pv'], x[, 'df'])})", "cmprsk")
record("own.gray.sex", "Gray, untied", "pbc", "local({x <- cuminc(pbc$time, pbc$status, pbc$sex)$Tests; c(x[, 'stat'], x[, 'pv'])})", "cmprsk")
# two groups that share clusters: influences of the centers on both curves
shared <- function(t) { i <- lapply(c("f", "m"), function(s) { d <- pbc[pbc$sex == s, ]; f <- survfit(Surv(month, state) ~ 1, d, influence = TRUE)
    k <- findInterval(t, f$time); u <- matrix(0, 25, 2); s <- rowsum(f$influence.pstate[, k + 1, -1], d$center)
    u[as.integer(rownames(s)) + 1, ] <- s; list(p = f$pstate[k, -1], u = u) }); f <- i[[1]]; m <- i[[2]]
  c(rd = m$p - f$p, se = sqrt(colSums((m$u - f$u)^2)), logrr = log(m$p / f$p), se = sqrt(colSums((sweep(m$u, 2, m$p, "/") - sweep(f$u, 2, f$p, "/"))^2))) }
record("own.cif.difference.cluster", "Risk difference and log ratio, shared clusters", "pbc", "shared(20)", "survival")
record("own.cif.difference", "Risk difference", "pbc", "local({s <- summary(survfit(Surv(month, state) ~ sex, pbc), times = 20); c(s$pstate[2, -1] - s$pstate[1, -1], sqrt(colSums(s$std.err[, -1]^2)))})", "survival")
# 1 - F0 / F of the women (f) and all: influences of rows, or of the centers, on both
fraction <- function(formula, t, w = rep(1, nrow(pbc)), cluster = pbc$id) { u <- list(); p <- list()
  for (i in 1:2) { k <- if (i == 1) rep(TRUE, nrow(pbc)) else pbc$sex == "f"; d <- cbind(pbc[k, ], .w = w[k]); f <- survfit(formula, d, id = id, weights = .w, influence = TRUE)
    j <- findInterval(t, f$time); u[[i]] <- matrix(0, nrow(pbc), 2); u[[i]][k, ] <- w[k] * f$influence.pstate[, j + 1, -1]; p[[i]] <- f$pstate[j, -1] }
  a <- sweep(u[[1]], 2, p[[2]] / p[[1]]^2, "*") - sweep(u[[2]], 2, p[[1]], "/"); c(af = 1 - p[[2]] / p[[1]], se = sqrt(colSums(rowsum(a, cluster)^2))) }
record("own.cif.fraction", "Attributable fraction of being a man", "pbc", "c(fraction(Surv(month, state) ~ 1, 15), fraction(Surv(month, state) ~ 1, 30))", "survival")
record("own.cif.fraction.entry", "Attributable fraction, late entry, weights", "pbc", "fraction(Surv(begin, month, state) ~ 1, 20, pbc$w)", "survival")
record("own.cif.fraction.cluster", "Attributable fraction, weights, clusters", "pbc", "fraction(Surv(month, state) ~ 1, 20, pbc$w, pbc$center)", "survival")
solved <- function(formula, data, time, ...) { X <- model.matrix(formula, data)[, -1]; m <- crr(time, data$status, X, ..., gtol = 1e-15, maxiter = 50); m }
both <- function(m) c(m$coef, se = sqrt(diag(m$var)), loglik = m$loglik, null = m$loglik.null)
record("own.crr.death", "Fine-Gray, untied, to the end", "pbc", "both(solved(~ age + sex + log(bili) + edema, pbc, pbc$time, failcode = 2))", "cmprsk")
record("own.crr.ties", "Fine-Gray, ties, a factor", "pbc", "both(solved(~ age + factor(stage), complete, complete$month, failcode = 2))", "cmprsk")
record("own.crr.transplant", "Fine-Gray, few events", "pbc", "both(solved(~ age + log(bili), pbc, pbc$month, failcode = 1))", "cmprsk")
record("own.crr.cengroup", "Fine-Gray, censoring by group", "pbc", "local({m <- solved(~ age + sex + log(bili), pbc, pbc$month, failcode = 2, cengroup = pbc$group); c(m$coef, loglik = m$loglik)})", "cmprsk")
record("own.crr.predict", "Fine-Gray, predicted incidence", "pbc", "local({p <- predict(solved(~ age + log(bili), pbc, pbc$month, failcode = 2), cbind(c(40, 60), log(c(1, 4)))); c(p[findInterval(at, p[, 1]), -1])})", "cmprsk")
# Fine & Gray (1999) written out, censoring by group, eta_i + psi_i summed within clusters (Zhou et al. 2012, R's
# crrSC::crrc). q(u) of a group sums over the competing events of that group, whose weights its censoring makes; crr
# sums over those of all groups, so that with cengroup its standard errors differ (here by 6e-4), its coefficients not.
written <- function(time, status, X, cause, cluster = seq_along(time), group = rep(1, length(time))) {
  m <- crr(time, status, X, failcode = cause, cengroup = group, gtol = 1e-15, maxiter = 50); b <- m$coef; n <- length(time); r <- exp(drop(X %*% b))
  u <- sort(unique(time)); k <- match(time, u); competing <- status != 0 & status != cause; groups <- sort(unique(group)); g <- match(group, groups)
  risk <- sapply(groups, function(a) sapply(u, function(s) sum(time >= s & group == a)))
  cens <- sapply(groups, function(a) sapply(u, function(s) sum(time == s & status == 0 & group == a)))
  G <- apply(1 - ifelse(risk > 0, cens / risk, 0), 2, function(x) c(1, cumprod(x))[seq_along(u)]); G[risk == 0] <- 0
  w <- outer(seq_len(n), seq_along(u), function(i, j) ifelse(k[i] >= j, 1, ifelse(competing[i], G[cbind(c(j), g[c(i)])] / G[cbind(k[c(i)], g[c(i)])], 0)))
  S0 <- colSums(w * r); xbar <- t(sapply(seq_along(u), function(j) colSums(w[, j] * r * X) / S0[j]))
  dN <- sapply(u, function(s) sum(time == s & status == cause)); dM <- -w * r * rep(dN / S0, each = n)
  for (i in which(status == cause)) dM[i, k[i]] <- dM[i, k[i]] + 1
  eta <- t(sapply(seq_len(n), function(i) colSums((rep(X[i, ], each = length(u)) - xbar) * dM[i, ])))
  q <- lapply(seq_along(groups), function(a) t(sapply(seq_along(u), function(j) { s <- rep(0, ncol(X)); late <- seq_along(u) >= j
    for (i in which(competing & k < j & g == a)) s <- s - colSums((rep(X[i, ], each = length(u)) - xbar)[late, , drop = FALSE] * dM[i, late]); s })))
  psi <- t(sapply(seq_len(n), function(i) { past <- seq_len(k[i]); s <- -colSums(q[[g[i]]][past, , drop = FALSE] * (cens / risk^2)[past, g[i]])
    if (status[i] == 0) s <- s + q[[g[i]]][k[i], ] / risk[k[i], g[i]]; s }))
  U <- rowsum(eta + psi, cluster); I <- m$invinf
  if (length(groups) == 1) stopifnot(max(abs(sqrt(diag(I %*% crossprod(eta + psi) %*% I)) / sqrt(diag(m$var)) - 1)) < 1e-9)
  c(b, se = sqrt(diag(I %*% crossprod(U) %*% I))) }
record("own.crr.cluster", "Fine-Gray, clusters", "pbc", "written(pbc$month, pbc$status, cbind(pbc$age, log(pbc$bili)), 2, pbc$center)", "cmprsk")
record("own.crr.cengroup.se", "Fine-Gray, censoring by group", "pbc", "written(pbc$month, pbc$status, model.matrix(~ age + sex + log(bili), pbc)[, -1], 2, group = pbc$group)", "cmprsk")
record("own.crr.cengroup.cluster", "Fine-Gray, censoring by group, clusters", "pbc", "written(pbc$time, pbc$status, model.matrix(~ age + sex, pbc)[, -1], 2, pbc$center, pbc$group)", "cmprsk")
# Strata with their own baseline and censoring (Zhou et al. 2011, crrSC::crrs with ctype = 1): risk sets, eta and psi of
# each stratum written out as matrices, Newton's method on the sum of the scores
stratified <- function(time, status, X, cause, stratum, cluster = seq_along(time)) {
  part <- function(rows, b) { time <- time[rows]; status <- status[rows]; X <- X[rows, , drop = FALSE]; n <- length(time); r <- exp(drop(X %*% b))
    u <- sort(unique(time)); k <- match(time, u); competing <- status != 0 & status != cause
    risk <- sapply(u, function(s) sum(time >= s)); cens <- sapply(u, function(s) sum(time == s & status == 0)); G <- c(1, cumprod(1 - cens / risk))[seq_along(u)]
    w <- outer(seq_len(n), seq_along(u), function(i, j) ifelse(k[i] >= j, 1, ifelse(competing[i], G[j] / G[k[i]], 0)))
    d <- sapply(u, function(s) sum(time == s & status == cause)); S0 <- colSums(w * r); I <- matrix(0, ncol(X), ncol(X)); xbar <- matrix(0, length(u), ncol(X))
    for (j in seq_along(u)) { p <- w[, j] * r / S0[j]; xbar[j, ] <- colSums(p * X); I <- I + d[j] * (crossprod(X, p * X) - tcrossprod(xbar[j, ])) }
    dM <- -w * r * rep(d / S0, each = n); for (i in which(status == cause)) dM[i, k[i]] <- dM[i, k[i]] + 1
    away <- function(i) rep(X[i, ], each = length(u)) - xbar
    eta <- t(sapply(seq_len(n), function(i) colSums(away(i) * dM[i, ])))
    q <- t(sapply(seq_along(u), function(j) { s <- rep(0, ncol(X)); late <- seq_along(u) >= j
      for (i in which(competing & k < j)) s <- s - colSums((away(i) * dM[i, ])[late, , drop = FALSE]); s }))
    psi <- t(sapply(seq_len(n), function(i) { past <- seq_len(k[i]); s <- -colSums(q[past, , drop = FALSE] * (cens / risk^2)[past])
      if (status[i] == 0) s <- s + q[k[i], ] / risk[k[i]]; s }))
    list(eta = eta, psi = psi, I = I, loglik = sum(log(r[status == cause])) - sum((d * log(S0))[d > 0]), hazard = data.frame(time = u, H = cumsum(d / S0))) }
  places <- split(seq_along(time), stratum); b <- rep(0, ncol(X)); at <- function(b) lapply(places, part, b = b); add <- function(p, name) Reduce("+", lapply(p, "[[", name))
  null <- add(at(b), "loglik"); for (i in 1:12) { p <- at(b); b <- b + solve(add(p, "I"), colSums(do.call(rbind, lapply(p, "[[", "eta")))) }
  p <- at(b); U <- do.call(rbind, lapply(p, function(x) x$eta + x$psi)); V <- solve(add(p, "I"))
  list(coef = b, se = sqrt(diag(V %*% crossprod(rowsum(U, cluster[unlist(places)])) %*% V)), loglik = add(p, "loglik"), null = null, hazard = lapply(p, "[[", "hazard")) }
strata.of <- function(...) { f <- stratified(...); c(f$coef, se = f$se, loglik = f$loglik, null = f$null) }
X <- cbind(age = pbc$age, bili = log(pbc$bili))
stopifnot(all.equal(unname(strata.of(pbc$month, pbc$status, X, 2, rep(1, nrow(pbc)))), unname(both(crr(pbc$month, pbc$status, X, failcode = 2, gtol = 1e-15, maxiter = 50))), tolerance = 1e-9))
record("own.crr.strata", "Fine-Gray, strata (crrs), ties", "pbc", "strata.of(pbc$month, pbc$status, X, 2, pbc$sex)", "cmprsk")
record("own.crr.strata.untied", "Fine-Gray, strata, untied", "pbc", "strata.of(pbc$time, pbc$status, X, 2, pbc$group)", "cmprsk")
record("own.crr.strata.transplant", "Fine-Gray, strata, few events", "pbc", "strata.of(pbc$month, pbc$status, X, 1, pbc$group)", "cmprsk")
record("own.crr.strata.cluster", "Fine-Gray, strata, clusters across strata", "pbc", "strata.of(pbc$month, pbc$status, X, 2, pbc$sex, pbc$center)", "cmprsk")
record("own.crr.strata.coxph", "Fine-Gray, strata: coxph on finegray rows, untied", "pbc", "local({f <- finegray(Surv(time + id / 1000, state) ~ . + strata(sex), pbc[, c('id', 'time', 'state', 'age', 'bili', 'sex')], etype = 'death'); m <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + log(bili) + strata(sex), f, weights = fgwt, ties = 'breslow', control = coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)); c(coef(m), m$loglik[2])})", "survival")
record("own.crr.strata.one", "Fine-Gray, strata that are mostly one person", "pbc", "strata.of(pbc$month, pbc$status, X, 2, floor(pbc$age * 2) * 2 + (pbc$sex == 'm'))", "cmprsk")
record("own.crr.strata.predict", "Fine-Gray, strata: predicted incidence", "pbc", "local({f <- stratified(pbc$month, pbc$status, X, 2, pbc$sex); x <- exp(sum(f$coef * c(50, log(2)))); sapply(f$hazard, function(h) 1 - exp(-x * h$H[findInterval(at, h$time)]))})", "cmprsk")
record("own.finegray.rows", "finegray rows", "pbc", "local({f <- finegray(Surv(month, state) ~ ., pbc[, c('id', 'month', 'state')], etype = 'death'); c(nrow(f), sum(f$fgwt), sum(f$fgstart), sum(f$fgstop), sum(f$fgwt^2 * f$id))})", "survival")
record("own.finegray.strata", "finegray, coxph, strata, Breslow", "pbc", "local({f <- finegray(Surv(month, state) ~ ., pbc[, c('id', 'month', 'state', 'age', 'bili', 'sex')], etype = 'death'); m <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + log(bili) + strata(sex), f, weights = fgwt, cluster = id, ties = 'breslow', control = coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)); c(coef(m), se = sqrt(diag(vcov(m))))})", "survival")
# recurrence and death after surgery of colon cancer: illness-death
colon <- local({d <- read("colon"); r <- d[d$etype == 1, ]; x <- d[d$etype == 2, ]; x <- x[match(r$id, x$id), ]
  ill <- r$status == 1 & r$time < x$time
  a <- data.frame(id = r$id, begin = 0, end = ifelse(ill, r$time, x$time), state = ifelse(ill, 1, 2 * x$status), rx = r$rx, sex = r$sex, age = r$age)
  b <- data.frame(id = r$id, begin = r$time, end = x$time, state = 2 * x$status, rx = r$rx, sex = r$sex, age = r$age)[ill, ]
  d <- rbind(a, b); d$state <- factor(d$state, 0:2, c("censored", "recurrence", "death")); d$w <- 1 + .5 * (d$age > 60); d$village <- d$id %% 30; d[order(d$id, d$begin), ]})
all3 <- function(fit, times = c(300, 1000, 2000)) { s <- summary(fit, times = times); c(p = s$pstate, se = s$std.err) }
record("own.ms.groups", "Illness-death by treatment", "colon", "all3(survfit(Surv(begin, end, state) ~ rx, colon, id = id))", "survival")
record("own.ms.weights", "Illness-death, weights", "colon", "all3(survfit(Surv(begin, end, state) ~ 1, colon, id = id, weights = w))", "survival")
record("own.ms.cluster", "Illness-death, clusters", "colon", "in_clusters(survfit(Surv(begin, end, state) ~ 1, colon, id = id, influence = TRUE), unique(colon$id) %% 30, c(300, 1000, 2000))", "survival")
record("own.ms.ci", "Illness-death, log-log", "colon", "local({s <- summary(survfit(Surv(begin, end, state) ~ 1, colon, id = id, conf.type = 'log-log'), times = c(300, 1000, 2000)); c(s$lower, s$upper)})", "survival")
# a state that people come back from
back <- data.frame(id = c(1, 1, 1, 2, 2, 3, 4, 4, 5, 6), begin = c(0, 2, 5, 0, 3, 0, 0, 4, 1, 2), end = c(2, 5, 9, 3, 8, 4, 4, 7, 6, 7),
  state = factor(c(1, 2, 3, 1, 0, 3, 1, 2, 1, 3), 0:3, c("censored", "eczema", "clear", "death")))
record("own.ms.back", "Coming back, late entry", "back (typed in)", "all3(survfit(Surv(begin, end, state) ~ 1, back, id = id, istate = factor(c('clear','eczema','clear','clear','eczema','clear','clear','eczema','clear','clear'), c('clear','eczema','death')), p0 = c(0, 1, 0)), c(3, 5, 8))", "survival")
finish("competing")
