# Pooling across studies. Usage: see record.R.
suppressMessages(library(metafor))
source("validation/own/record.R")
hackshaw <- dat.hackshaw1998[, c("study", "design", "yi", "vi")]; hackshaw$yi <- c(hackshaw$yi); attr(hackshaw, "yi.names") <- NULL
debruin <- dat.debruin2009[, c("author", "xi", "ni")]
# prevalence of a rare condition with studies without a case, and one with cases only
rare <- data.frame(xi = c(0, 2, 1, 0, 5, 3, 12), ni = c(40, 120, 85, 25, 210, 60, 12))
tight <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-14)
all_of <- function(r) { p <- predict(r); c(b = r$beta, se = r$se, lo = r$ci.lb, hi = r$ci.ub, p = r$pval, tau2 = r$tau2, I2 = r$I2, H2 = r$H2, Q = r$QE, Q.p = r$QEp, pi.lo = p$pi.lb, pi.hi = p$pi.ub) }
heterogeneity <- function(r, level = 95) { x <- confint(r, level = level, control = list(tol = 1e-14, maxiter = 10000))$random; c(tau2 = x[1, 2:3], I2 = x[3, 2:3]) }
for (m in c("DL", "HE", "SJ", "PM", "ML", "REML")) {
  record(paste0("own.meta.hackshaw.", m), paste(m, "with prediction interval"), "metadat::dat.hackshaw1998", sprintf("all_of(rma(control = tight, yi, vi, data = hackshaw, method = '%s'))", m), c("metafor", "metadat"))
  record(paste0("own.meta.hackshaw.hksj.", m), paste(m, "with Hartung-Knapp and prediction interval"), "metadat::dat.hackshaw1998", sprintf("all_of(rma(control = tight, yi, vi, data = hackshaw, method = '%s', test = 'knha'))", m), c("metafor", "metadat"))
  record(paste0("own.meta.hackshaw.confint.", m), paste(m, "Q-profile intervals of tau2 and I2"), "metadat::dat.hackshaw1998", sprintf("heterogeneity(rma(control = tight, yi, vi, data = hackshaw, method = '%s'))", m), c("metafor", "metadat"))
}
record("own.meta.bcg.confint", "Q-profile intervals of tau2 and I2, 90%", "bcg_es", "heterogeneity(rma(control = tight, yi, vi, data = read('bcg_es'), method = 'REML'), 90)", "metafor")
record("own.meta.bcg.loo", "Leave one out, REML", "bcg_es", "local({l <- leave1out(rma(control = tight, yi, vi, data = read('bcg_es'))); c(b = l$estimate, se = l$se, lo = l$ci.lb, hi = l$ci.ub, tau2 = l$tau2, I2 = l$I2, Q = l$Q, Q.p = l$Qp)})", "metafor")
record("own.meta.hackshaw.loo.hksj", "Leave one out, DL with Hartung-Knapp", "metadat::dat.hackshaw1998", "local({l <- leave1out(rma(yi, vi, data = hackshaw, method = 'DL', test = 'knha')); c(b = l$estimate, se = l$se, lo = l$ci.lb, hi = l$ci.ub, tau2 = l$tau2, I2 = l$I2, Q = l$Q, Q.p = l$Qp)})", c("metafor", "metadat"))
egger <- "with(regtest(%s), c(statistic = zval, p = pval, limit = unname(est), lo = unname(ci.lb), hi = unname(ci.ub)))"
record("own.meta.hackshaw.egger", "Egger's regression, REML", "metadat::dat.hackshaw1998", sprintf(egger, "rma(control = tight, yi, vi, data = hackshaw)"), c("metafor", "metadat"))
record("own.meta.hackshaw.egger.hksj", "Egger's regression, DL with Hartung-Knapp", "metadat::dat.hackshaw1998", sprintf(egger, "rma(yi, vi, data = hackshaw, method = 'DL', test = 'knha')"), c("metafor", "metadat"))
record("own.meta.hackshaw.egger.lm", "Egger's regression, weighted least squares", "metadat::dat.hackshaw1998", sprintf(egger, "rma(yi, vi, data = hackshaw), model = 'lm'"), c("metafor", "metadat"))
record("own.meta.bcg.egger", "Egger's regression, REML", "bcg_es", sprintf(egger, "rma(control = tight, yi, vi, data = read('bcg_es'))"), "metafor")
record("own.meta.bcg.egger.PM", "Egger's regression, PM", "bcg_es", sprintf(egger, "rma(control = tight, yi, vi, data = read('bcg_es'), method = 'PM')"), "metafor")
record("own.meta.bcg.subgroups", "Subgroups with a tau2 each, REML", "bcg_es", "local({d <- read('bcg_es'); g <- lapply(split(d, d$alloc), function(s) rma(control = tight, yi, vi, data = s)); b <- sapply(g, coef); se <- sapply(g, function(r) r$se); q <- rma(b, sei = se, method = 'EE'); c(b = b, se = se, tau2 = sapply(g, function(r) r$tau2), Q = q$QE, p = q$QEp)})", "metafor")
record("own.meta.hackshaw.subgroups", "Subgroups with a tau2 each, DL", "metadat::dat.hackshaw1998", "local({g <- lapply(split(hackshaw, hackshaw$design), function(s) rma(yi, vi, data = s, method = 'DL')); b <- sapply(g, coef); se <- sapply(g, function(r) r$se); q <- rma(b, sei = se, method = 'EE'); c(b = b, se = se, tau2 = sapply(g, function(r) r$tau2), Q = q$QE, p = q$QEp)})", c("metafor", "metadat"))
prevalence <- function(d, measure, back, ...) { r <- rma(yi, vi, data = escalc(measure = measure, xi = xi, ni = ni, data = d), control = tight, ...); p <- predict(r); c(b = r$beta, se = r$se, back(c(estimate = c(r$beta), lo = r$ci.lb, hi = r$ci.ub, pi.lo = p$pi.lb, pi.hi = p$pi.ub), d), tau2 = r$tau2, I2 = r$I2, Q = r$QE) }
from_logit <- function(x, d) plogis(x)
from_arcsine <- function(x, d) setNames(transf.iarcsin(x), names(x))
from_freeman_tukey <- function(x, d) setNames(transf.ipft.hm(x, targs = list(ni = d$ni)), names(x))
for (data in c("debruin", "rare")) for (m in c("DL", "REML")) {
  origin <- if (data == "rare") "typed into the script" else "metadat::dat.debruin2009"
  record(paste("own.meta", data, "logit", m, sep = "."), "Pooled prevalence, logit", origin, sprintf("prevalence(%s, 'PLO', from_logit, method = '%s')", data, m), c("metafor", "metadat"))
  record(paste("own.meta", data, "arcsine", m, sep = "."), "Pooled prevalence, arcsine", origin, sprintf("prevalence(%s, 'PAS', from_arcsine, method = '%s')", data, m), c("metafor", "metadat"))
  record(paste("own.meta", data, "freeman-tukey", m, sep = "."), "Pooled prevalence, double arcsine", origin, sprintf("prevalence(%s, 'PFT', from_freeman_tukey, method = '%s')", data, m), c("metafor", "metadat"))
}
record("own.meta.debruin.hksj", "Pooled prevalence, logit, Hartung-Knapp", "metadat::dat.debruin2009", "prevalence(debruin, 'PLO', from_logit, method = 'DL', test = 'knha')", c("metafor", "metadat"))
# rma.glmm and glmer stop at about 1e-5: the likelihood of the binomial-normal model is written out, its integral by
# R's integrate, its maximum by Newton's method on central differences of log-likelihood contributions
minus_loglik <- function(par, d) -sum(mapply(function(x, n) {
  f <- function(u) dbinom(x, n, plogis(par[1] + par[2] * u), log = TRUE) + dnorm(u, log = TRUE)
  top <- optimize(f, c(-12, 12), maximum = TRUE, tol = 1e-10)$maximum; height <- f(top)
  side <- function(a, b) integrate(function(u) exp(f(u) - height), a, b, rel.tol = 1e-13, abs.tol = 0, subdivisions = 2000)$value
  height + log(side(top - 9, top - 1) + side(top - 1, top) + side(top, top + 1) + side(top + 1, top + 9)) }, d$xi, d$ni))
glmm <- function(d) { start <- suppressWarnings(rma.glmm(measure = "PLO", xi = xi, ni = ni, data = d)); par <- c(start$beta, sqrt(start$tau2))
  for (i in 1:6) par <- par - solve(numDeriv::hessian(minus_loglik, par, d = d), numDeriv::grad(minus_loglik, par, d = d))
  c(b = par[1], se = sqrt(solve(numDeriv::hessian(minus_loglik, par, d = d))[1, 1]), tau2 = par[2]^2, loglik = -minus_loglik(par, d), I2 = 100 * par[2]^2 / (start$vt + par[2]^2), Q = start$QE.LRT) }
pritz <- read("pritz")
for (data in c("debruin", "rare", "pritz")) {
  record(paste0("own.meta.", data, ".glmm.exact"), "Random-intercept logistic, likelihood by integrate()", data, sprintf("glmm(%s)", data), c("metafor", "metadat", "numDeriv"))
  record(paste0("own.meta.", data, ".glmm"), "Random-intercept logistic, rma.glmm with 7 nodes", data, sprintf("local({g <- suppressWarnings(rma.glmm(measure = 'PLO', xi = xi, ni = ni, data = %s)); p <- predict(g); c(b = g$beta, se = g$se, lo = g$ci.lb, hi = g$ci.ub, tau2 = g$tau2, pi.lo = p$pi.lb, pi.hi = p$pi.ub, I2 = g$I2, H2 = g$H2, Q = g$QE.LRT, Q.p = g$QEp.LRT)})", data), c("metafor", "metadat", "lme4"))
}
write.csv(hackshaw, "validation/data/hackshaw.csv", row.names = FALSE); write.csv(debruin, "validation/data/debruin.csv", row.names = FALSE)
finish("meta")
