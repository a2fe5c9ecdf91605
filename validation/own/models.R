# Regression, survival and standardized differences. Usage: see record.R.
suppressMessages(library(survival))
source("validation/own/record.R")
lung <- read("lung"); heart <- read("heart"); rotterdam <- read("rotterdam"); infert <- read("infert"); veteran <- read("veteran")
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)
tight_glm <- list(epsilon = 1e-14, maxit = 200)
# Yang & Dalton (2012), written out; tableone's ExtractSmd uses the same formulas
smd <- function(x, g) {
  x <- as.matrix(x); a <- x[g == sort(unique(g))[1], , drop = FALSE]; b <- x[g == sort(unique(g))[2], , drop = FALSE]
  d <- colMeans(a) - colMeans(b); k <- ncol(x)
  S <- if (k == 1 && length(unique(x)) > 2) (var(a) + var(b)) / 2 else {
    V <- function(m) { p <- colMeans(m); diag(p, k) - p %o% p }; (V(a) + V(b)) / 2 }
  sqrt(drop(d %*% solve(S) %*% d))
}
dummies <- function(f) model.matrix(~ factor(f))[, -1, drop = FALSE]
record("own.conc.entry", "Concordance, late entry", "heart", "concordance(coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, heart, control = tight))$concordance", "survival")
record("own.conc.strata", "Concordance, strata", "veteran", "concordance(coxph(Surv(time, status) ~ trt + karno + age + strata(celltype), veteran, control = tight))$concordance", "survival")
record("own.conc.weights", "Concordance, weights", "lung", "local({l <- na.omit(lung[, c('time', 'status', 'age', 'sex', 'ph.ecog')]); concordance(coxph(Surv(time, status) ~ age + sex + ph.ecog, l, weights = 1 + .5 * (age > 65), control = tight))$concordance})", "survival")
record("own.cox.entry.strata", "Cox, late entry and strata, Breslow", "heart", "local({m <- coxph(Surv(start, stop, event) ~ age + year + strata(surgery), heart, ties = 'breslow', control = tight); c(coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik)})", "survival")
record("own.cox.entry.weights", "Cox, late entry, weights, cluster", "heart", "local({m <- coxph(Surv(start, stop, event) ~ age + year, heart, weights = 1 + .5 * (age > 0), cluster = id, control = tight); c(coef(m), se = sqrt(diag(vcov(m))))})", "survival")
record("own.cox.lp", "Cox linear predictor", "lung", "predict(coxph(Surv(time, status) ~ age + sex + ph.ecog, lung, control = tight), newdata = data.frame(age = c(50, 70), sex = c(1, 2), ph.ecog = c(0, 2)), reference = 'sample')", "survival")
record("own.km.quantile", "KM quartiles, log-log", "lung", "local({q <- quantile(survfit(Surv(time, status) ~ 1, lung, conf.type = 'log-log'), c(.25, .5, .75)); c(q$quantile, q$lower, q$upper)})", "survival")
record("own.km.lt.weights", "KM, late entry, weights, robust se", "heart", "local({s <- summary(survfit(Surv(start, stop, event) ~ 1, heart, weights = 1 + .5 * (age > 0), robust = TRUE, cluster = seq_len(nrow(heart))), times = c(50, 100, 300)); c(s$surv, s$std.err)})", "survival")
record("own.logit.factor", "Logistic with a factor", "infert", "local({d <- infert; d$education <- factor(d$education, c('0-5yrs', '6-11yrs', '12+ yrs')); m <- glm(case ~ education + age * parity, binomial, d, control = tight_glm); c(coef(m), se = sqrt(diag(vcov(m))))})", "survival")
record("own.logit.weights", "Logistic, weights and offset, HC0", "infert", "local({d <- infert; d$w <- 1 + .5 * (d$age > 30); m <- suppressWarnings(glm(case ~ spontaneous + offset(age / 100), binomial, d, weights = w, control = tight_glm)); X <- model.matrix(m); U <- X * d$w * (d$case - fitted(m)); B <- vcov(m); c(coef(m), naive = sqrt(diag(B)), hc0 = sqrt(diag(B %*% crossprod(U) %*% B)))})", "survival")
record("own.smd", "Standardized mean difference", "rotterdam", "with(rotterdam, c(age = smd(age, hormon), size = smd(dummies(size), hormon), meno = smd(dummies(meno), hormon), nodes = smd(nodes, hormon)))", "survival")
record("own.smd.three", "SMD over three groups, mean of pairs", "rotterdam", "local({p <- combn(sort(unique(rotterdam$size)), 2, simplify = FALSE); d <- lapply(p, function(k) subset(rotterdam, size %in% k)); c(age = mean(sapply(d, function(x) smd(x$age, x$size))), meno = mean(sapply(d, function(x) smd(dummies(x$meno), x$size))))})", "survival")
finish("models")
