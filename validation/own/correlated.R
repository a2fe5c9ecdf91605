# Generalized estimating equations and mixed models. Usage: see record.R.
suppressMessages({library(geepack); library(lme4); library(lmerTest); library(glmmTMB)})
source("validation/own/record.R")
ohio <- read("ohio"); bacteria <- read("bacteria"); dietox <- read("dietox"); epil <- read("epil"); petersen <- read("petersen"); cbpp <- read("cbpp"); sleep <- read("sleep")
bacteria$y <- as.numeric(bacteria$y == "y"); bacteria$trt <- factor(bacteria$trt, c("placebo", "drug", "drug+")); bacteria$id <- as.integer(factor(bacteria$ID))
dietox$id <- as.integer(factor(dietox$Pig, unique(dietox$Pig)))
epil$years <- ifelse(epil$subject %% 2 == 0, 2, 1) / 26
# geepack stops at changes of 1e-4, lme4 at about 1e-6 of the deviance: both far tighter here
tight <- geese.control(epsilon = 1e-13, maxit = 500)
tight_glmer <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
tight_lmer <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6))
of_gee <- function(m) c(coef(m), se = summary(m)$coefficients[, 2], scale = unname(m$geese$gamma), alpha = unname(m$geese$alpha), qic = unname(QIC(m)[1]))
of_geese <- function(m) c(m$beta, se = sqrt(diag(m$vbeta)), scale = unname(m$gamma), alpha = unname(m$alpha))
# lme4 differentiates the deviance by simple differences, 4e-5 off for ohio: Richardson's extrapolation of the same deviance
of_glmer <- function(m) {
  deviance <- update(m, devFunOnly = TRUE); at <- c(getME(m, "theta"), fixef(m))
  se <- sqrt(diag(2 * solve(numDeriv::hessian(deviance, at, method.args = list(d = .02, r = 6)))))[-1]; names(se) <- names(fixef(m))
  c(fixef(m), sd = unname(sqrt(unlist(VarCorr(m)))), se = se, loglik = as.numeric(logLik(m)))
}
of_lmer <- function(m) { s <- coef(summary(m)); c(s[, 1], se = s[, 2], df = s[, 3], sd = as.data.frame(VarCorr(m))$sdcor, loglik = as.numeric(logLik(m))) }
# Mancl & DeRouen (2001) and Kauermann & Carroll (2001) with exchangeable correlation, written out with matrices of a group's rows
corrected <- function(m, power) {
  X <- model.matrix(m$formula, m$data); mu <- as.vector(fitted(m)); v <- m$family$variance(mu); a <- m$geese$alpha
  D <- X * v; r <- m$y - mu
  parts <- lapply(split(seq_along(r), m$id), function(i) { V <- outer(sqrt(v[i]), sqrt(v[i])) * (a + (1 - a) * diag(length(i))); list(i = i, W = solve(V)) })
  M <- solve(Reduce(`+`, lapply(parts, function(g) t(D[g$i, , drop = FALSE]) %*% g$W %*% D[g$i, , drop = FALSE])))
  U <- sapply(parts, function(g) { d <- D[g$i, , drop = FALSE]; H <- d %*% M %*% t(d) %*% g$W; e <- eigen(diag(length(g$i)) - H)
    A <- Re(e$vectors %*% diag(e$values^power, length(g$i)) %*% solve(e$vectors)); drop(t(d) %*% g$W %*% A %*% r[g$i]) })
  sqrt(diag(M %*% U %*% t(U) %*% M))
}
record("own.gee.ohio.ar1", "GEE AR(1)", "ohio", "of_gee(geeglm(resp ~ age + smoke + age:smoke, id = id, data = ohio, family = binomial, corstr = 'ar1', control = tight))", "geepack")
record("own.gee.ohio.exchangeable", "GEE exchangeable", "ohio", "of_gee(geeglm(resp ~ age + smoke, id = id, data = ohio, family = binomial, corstr = 'exchangeable', control = tight))", "geepack")
record("own.gee.ohio.unstructured", "GEE unstructured", "ohio", "of_gee(geeglm(resp ~ age + smoke, id = id, data = ohio, family = binomial, corstr = 'unstructured', control = tight))", "geepack")
# geese(corstr = "unstructured", waves = ) ends in a segmentation fault where waves are missing; the same by its own genZcor
record("own.gee.ohio.missing", "GEE unstructured, missing waves", "ohio", "local({o <- ohio[-seq(3, nrow(ohio), 7), ]; z <- genZcor(rle(o$id)$lengths, as.integer(o$age + 3), 4); of_geese(geese(resp ~ age + smoke, id = id, data = o, zcor = z, family = binomial, corstr = 'userdefined', control = tight))})", "geepack")
record("own.gee.bacteria.ar1", "GEE AR(1), weeks 0, 2, 4, 6, 11", "bacteria", "of_geese(geese(y ~ trt + week, id = id, data = bacteria, waves = week, family = binomial, corstr = 'ar1', alpha = .6, control = tight))", "geepack")
record("own.gee.dietox.exchangeable", "Gaussian GEE exchangeable", "dietox", "of_gee(geeglm(Weight ~ Time + Cu, id = id, data = dietox, family = gaussian, corstr = 'exchangeable', control = tight))", "geepack")
record("own.gee.dietox.ar1", "Gaussian GEE AR(1)", "dietox", "of_geese(geese(Weight ~ Time + Cu, id = id, data = dietox, waves = Time, family = gaussian, corstr = 'ar1', control = tight))", "geepack")
record("own.gee.epil.exchangeable", "Poisson GEE exchangeable, offset", "epil", "of_gee(geeglm(y ~ lbase + trt + offset(log(years)), id = subject, data = epil, family = poisson, corstr = 'exchangeable', control = tight))", "geepack")
record("own.gee.epil.unstructured", "Poisson GEE unstructured", "epil", "of_gee(geeglm(y ~ lbase + lage + V4, id = subject, data = epil, family = poisson, corstr = 'unstructured', control = tight))", "geepack")
record("own.gee.petersen", "Gaussian GEE exchangeable", "petersen", "of_gee(geeglm(y ~ x, id = firm, data = petersen, corstr = 'exchangeable', control = tight))", "geepack")
record("own.gee.bacteria.md", "GEE Mancl-DeRouen", "bacteria", "corrected(geeglm(y ~ trt + week, id = id, data = bacteria, family = binomial, corstr = 'exchangeable', control = tight), -1)", "geepack")
record("own.gee.bacteria.kc", "GEE Kauermann-Carroll", "bacteria", "corrected(geeglm(y ~ trt + week, id = id, data = bacteria, family = binomial, corstr = 'exchangeable', control = tight), -1/2)", "geepack")
record("own.glmm.bacteria", "Mixed logistic, Laplace", "bacteria", "of_glmer(glmer(y ~ trt + week + (1 | ID), bacteria, binomial, control = tight_glmer))", c("lme4", "numDeriv"))
record("own.glmm.bacteria.tmb", "Mixed logistic, Laplace", "bacteria", "local({m <- glmmTMB(y ~ trt + week + (1 | ID), bacteria, binomial, control = glmmTMBControl(optCtrl = list(rel.tol = 1e-15, x.tol = 1e-12))); c(fixef(m)$cond, sd = attr(VarCorr(m)$cond$ID, 'stddev')[[1]], se = sqrt(diag(vcov(m)$cond)), loglik = as.numeric(logLik(m)))})", "glmmTMB")
record("own.glmm.bacteria.agq", "Mixed logistic, 9 nodes", "bacteria", "of_glmer(glmer(y ~ trt + week + (1 | ID), bacteria, binomial, nAGQ = 9, control = tight_glmer))", c("lme4", "numDeriv"))
record("own.glmm.ohio.agq", "Mixed logistic, 15 nodes", "ohio", "of_glmer(glmer(resp ~ age + smoke + (1 | id), ohio, binomial, nAGQ = 15, control = tight_glmer))", c("lme4", "numDeriv"))
record("own.glmm.epil", "Mixed Poisson, Laplace", "epil", "of_glmer(glmer(y ~ lbase + trt + V4 + offset(log(years)) + (1 | subject), epil, poisson, control = tight_glmer))", c("lme4", "numDeriv"))
record("own.glmm.epil.agq", "Mixed Poisson, 11 nodes", "epil", "of_glmer(glmer(y ~ lbase + trt + (1 | subject), epil, poisson, nAGQ = 11, control = tight_glmer))", c("lme4", "numDeriv"))
record("own.glmm.cbpp.rows", "Mixed logistic of 0/1 rows, Laplace", "cbpp", "local({d <- cbpp[rep(seq_len(nrow(cbpp)), cbpp$size), ]; d$y <- unlist(mapply(function(k, n) rep(1:0, c(k, n - k)), cbpp$incidence, cbpp$size)); of_glmer(glmer(y ~ factor(period) + (1 | herd), d, binomial, control = tight_glmer))})", c("lme4", "numDeriv"))
record("own.lmm.sleep", "Linear mixed model, slope", "sleep", "of_lmer(lmer(Reaction ~ Days + (Days | Subject), sleep, control = tight_lmer))", c("lme4", "lmerTest"))
record("own.lmm.sleep.variances", "Standard errors of theta and sigma", "sleep", "sqrt(diag(lmer(Reaction ~ Days + (Days | Subject), sleep, control = tight_lmer)@vcov_varpar))", c("lme4", "lmerTest"))
record("own.lmm.dietox.slope", "Linear mixed model, slope", "dietox", "of_lmer(lmer(Weight ~ Time + Cu + (Time | Pig), dietox, control = tight_lmer))", c("lme4", "lmerTest"))
record("own.lmm.dietox", "Linear mixed model, intercept", "dietox", "of_lmer(lmer(Weight ~ Time + Cu + (1 | Pig), dietox, control = tight_lmer))", c("lme4", "lmerTest"))
record("own.lmm.petersen", "Linear mixed model, intercept", "petersen", "of_lmer(lmer(y ~ x + (1 | firm), petersen, control = tight_lmer))", c("lme4", "lmerTest"))
finish("correlated")
