# Quantile g-computation and weighted quantile sums. Usage: see record.R.
# The R packages qgcomp and gWQS are not needed: their published algorithms are written out. The first three ids are models
# of qgcomp's manual; its README gives psi1 .266394 (.071025; .12719, .40560) and -.30416 (.34018).
suppressMessages({library(survival); library(sandwich)})
source("validation/own/record.R")
metals <- read("metals"); pbc <- read("pbc"); rotterdam <- read("rotterdam"); apistrat <- read("apistrat"); apiclus1 <- read("apiclus1"); heart <- read("heart")
tight <- list(epsilon = 1e-14, maxit = 200)
tight_cox <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)
# qgcomp::quantize
quantize <- function(x, q = 4) {
  breaks <- unique(quantile(x, probs = seq(0, 1, by = 1 / q), na.rm = TRUE))
  breaks[1] <- -Inf; breaks[length(breaks)] <- Inf
  cut(x, breaks = breaks, labels = FALSE, include.lowest = TRUE) - 1
}
scored <- function(data, exposures, q = 4) { data[exposures] <- lapply(data[exposures], quantize, q = q); data }
# qgcomp.glm.noboot: the sum of the coefficients, its delta variance, and shares of each direction
psi <- function(fit, exposures, V = vcov(fit)) {
  if (inherits(fit, "glm")) fit <- update(fit, start = coef(fit))  # vcov is of the last iteration but one
  b <- coef(fit)[exposures]; s <- sqrt(sum(V[exposures, exposures]))
  c(psi = sum(b), se = s, low = sum(b) - qnorm(.975) * s, high = sum(b) + qnorm(.975) * s)
}
shares <- function(b) { w <- ifelse(b > 0, b / sum(b[b > 0]), b / sum(b[b <= 0])); w }
# msm.fit of qgcomp: predictions of all with every exposure at k, then a model in powers of k
msm <- function(fit, data, exposures, q, degree, family, start = NULL) {
  all <- do.call(rbind, lapply(0:(q - 1), function(k) { d <- data; d[exposures] <- k; data.frame(y = predict(fit, d, type = "response"), k = k) }))
  coef(suppressWarnings(glm(y ~ poly(k, degree, raw = TRUE), family = family, data = all, start = start, control = tight)))
}
# Weights of an index: of all subsets of the exposures the one whose coefficients are all positive and whose likelihood is
# largest, which is the maximum under theta >= 0; then t^2 of the index with these weights. `fit(columns)` fits the model.
index_weights <- function(fit, score, exposures) {
  sets <- lapply(1:(2^length(exposures) - 1), function(i) exposures[bitwAnd(i, 2^(seq_along(exposures) - 1)) > 0])
  best <- list(ll = -Inf)
  for (s in sets) { m <- fit(score[, s, drop = FALSE]); b <- tail(coef(m), length(s)); ll <- as.numeric(logLik(m)); if (all(b > 0) && ll > best$ll) best <- list(ll = ll, b = b, s = s) }
  theta <- setNames(numeric(length(exposures)), exposures); theta[best$s] <- best$b
  m <- fit(score %*% (theta / sum(theta))); t <- tail(coef(m), 1) / sqrt(tail(diag(vcov(m)), 1))
  c(theta, t2 = as.numeric(t)^2)
}
drawn <- function(n) (seq_len(n) * 7) %% 4  # how often each row counts: 0 to 3
X <- c("arsenic", "barium", "cadmium", "calcium", "chromium", "copper", "iron", "lead", "magnesium", "manganese", "mercury", "selenium", "silver", "sodium", "zinc")
M <- scored(metals, X)
labs <- c("bili", "albumin", "copper", "alk.phos", "ast", "protime")
P <- scored(pbc, labs); P$dead <- as.numeric(P$status == 2); P$male <- as.numeric(P$sex == "m")
P <- P[complete.cases(P[, c(labs, "age", "male", "dead", "time")]), ]
schools <- c("meals", "ell", "mobility", "col.grad")
A <- scored(apistrat, schools); C <- scored(apiclus1, schools)
tumor <- c("pgr", "er", "age")
R <- scored(rotterdam, tumor, 5)
form <- function(y, ...) reformulate(c(...), y)

record("own.qgcomp.gaussian", "Quantile g-computation, gaussian (qgcomp's manual)", "metals", "psi(glm(form('y', X), data = M), X)")
record("own.qgcomp.binomial", "Quantile g-computation, binomial (qgcomp's manual)", "metals", "psi(glm(form('disease_state', X), binomial, M, control = tight), X)")
record("own.qgcomp.cox", "Quantile g-computation, Cox (qgcomp's manual)", "metals", "psi(coxph(form('Surv(disease_time, disease_state)', X), M, control = tight_cox), X)", "survival")
record("own.qgcomp.weights", "Shares of each direction", "metals", "shares(coef(glm(form('y', X), data = M))[X])")
record("own.qgcomp.adjusted", "Quantile g-computation, confounders, missing values", "pbc", "psi(glm(form('dead', 'age', 'male', labs), binomial, P, control = tight), labs)")
record("own.qgcomp.poisson", "Quantile g-computation, Poisson with person-time, quintiles with ties", "rotterdam", "psi(glm(form('nodes', 'meno', 'offset(log(dtime / 365.25))', tumor), poisson, R, control = tight), tumor)")
record("own.qgcomp.sampled", "Quantile g-computation, sampling weights, HC0", "apistrat", "local({m <- lm(form('api00', schools), A, weights = pw); psi(m, schools, sandwich(m))})", "sandwich")
record("own.qgcomp.clusters", "Quantile g-computation, clusters, CR1", "apiclus1", "local({m <- lm(form('api00', schools), C); psi(m, schools, vcovCL(m, ~ dnum, type = 'HC0', cadjust = TRUE))})", "sandwich")
record("own.qgcomp.cox.entry", "Quantile g-computation, Cox with late entry, thirds", "heart", "psi(coxph(Surv(start, stop, event) ~ surgery + age + year, scored(heart, c('age', 'year'), 3), control = tight_cox), c('age', 'year'))", "survival")
record("own.qgcomp.msm.binomial", "Marginal structural model, log risk", "pbc", "msm(glm(form('dead', 'age', 'male', labs), binomial, P, control = tight), P, labs, 4, 1, binomial('log'), c(log(.0001), 0))")
record("own.qgcomp.msm.gaussian", "Marginal structural model of degree 2", "metals", "msm(glm(form('y', 'mage35', X, paste0('I(', X, '^2)')), data = M), M, X, 4, 2, gaussian)")
record("own.qgcomp.msm.quadratic", "Marginal structural model of degree 2, log risk", "pbc", "msm(glm(form('dead', 'age', labs, paste0('I(', labs, '^2)')), binomial, P, control = tight), P, labs, 4, 2, binomial('log'), c(log(.0001), 0, 0))")
record("own.qgcomp.msm.poisson", "Marginal structural model, counts", "rotterdam", "msm(glm(form('nodes', 'meno', tumor), poisson, R, control = tight), R, tumor, 5, 1, poisson)")
record("own.quantize", "Sizes of quantile groups, ties and missing values", "pbc, rotterdam", "c(table(quantize(pbc$copper, 10)), table(quantize(pbc$bili, 3)), table(quantize(pbc$platelet, 7)), table(quantize(rotterdam$er, 10)), table(quantize(rotterdam$nodes, 4)))")
record("own.wqs.gaussian", "Index weights (times the effect) and t2, rows counted 0 to 3 times", "metals", "local({n <- drawn(nrow(M)); E <- c('arsenic', 'calcium', 'copper', 'iron', 'mercury', 'zinc'); N <- M[rep(seq_len(nrow(M)), n), ]; index_weights(function(S) lm(N$y ~ N$mage35 + S), as.matrix(N[E]), E)})")
record("own.wqs.binomial", "Index weights and t2, logistic", "pbc", "local({n <- drawn(nrow(P)); index_weights(function(S) glm(P$dead ~ P$age + P$male + S, family = binomial, weights = n, control = tight), as.matrix(P[labs]), labs)})")
record("own.wqs.negative", "Index weights of the negative direction, logistic", "pbc", "local({n <- drawn(nrow(P)); index_weights(function(S) glm(P$dead ~ P$age + P$male + S, family = binomial, weights = n, control = tight), -as.matrix(P[labs]), labs)})")
record("own.wqs.poisson", "Index weights of the negative direction, Poisson", "rotterdam", "local({n <- drawn(nrow(R)); E <- c('pgr', 'er', 'age'); index_weights(function(S) glm(R$nodes ~ R$meno + offset(log(R$dtime / 365.25)) + S, family = poisson, weights = n, control = tight), -as.matrix(R[E]), E)})")
record("own.wqs.cox", "Index weights and t2, Cox, Breslow", "pbc", "local({n <- drawn(nrow(P)); k <- n > 0; Q <- P[k, ]; w <- n[k]; index_weights(function(S) coxph(Surv(Q$time, Q$dead) ~ Q$age + Q$male + S, weights = w, ties = 'breslow', control = tight_cox), as.matrix(Q[labs]), labs)})", "survival")
finish("mixtures")
