# Outcomes with several categories, and matched data. Usage: see record.R.
# polr and multinom stop early and polr's Hessian is by finite differences: their estimates are polished here by Newton's
# method with the textbook derivatives, P = F(u) - F(l) differentiated twice for proportional odds.
suppressMessages({library(survival); library(MASS); library(nnet); library(survey)})
source("validation/own/record.R")
exact <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-12)
housing <- read("housing"); infert <- read("infert"); lung <- read("lung"); veteran <- read("veteran"); heart <- read("heart")
for (v in c("Sat", "Infl")) housing[[v]] <- factor(housing[[v]], c("Low", "Medium", "High"))
housing$Type <- factor(housing$Type, c("Tower", "Apartment", "Atrium", "Terrace"))
housing$Cont <- factor(housing$Cont, c("Low", "High"))
rotterdam <- transform(read("rotterdam"), size = factor(size, c("<=20", "20-50", ">50")), grade = factor(grade),
  age_10 = age / 10, log_pgr = log(pgr + 1), sampling = 1 + pid %% 4)
# an invented sample: 47 villages of 20 people in 8 regions
colon <- transform(read("colon"), village = (id - 1) %/% 20, differ = factor(differ))
colon <- transform(subset(colon, etype == 1), region = village %/% 6, w = 1 + id %% 5)
nhanes <- transform(read("nhanes"), agecat = factor(agecat), race = factor(race), sex = factor(RIAGENDR))
schools <- transform(read("apiclus1"), stype = factor(stype))
education <- transform(infert, education = factor(education, c("0-5yrs", "6-11yrs", "12+ yrs")))

# one maximum: estimates b, score of each row U (weights not in it), inverse of the observed information V
newton <- function(b, at) {
  for (i in 1:30) { e <- at(b); b <- b + solve(e$H, colSums(e$U * e$w)) }
  e <- at(b); list(b = b, U = e$U * e$w, V = solve(e$H), loglik = e$loglik)
}
polr_end <- function(formula, data, w = rep(1, nrow(data)), offset = rep(0, nrow(data))) {
  data$.w <- w; data$.o <- offset
  m <- suppressWarnings(polr(update(formula, . ~ . + offset(.o)), data, weights = .w))
  X <- model.matrix(formula, data)[, -1, drop = FALSE]; y <- as.integer(model.response(model.frame(formula, data)))
  p <- ncol(X); q <- length(m$zeta); Z <- diag(q)
  end <- newton(c(coef(m), m$zeta), function(b) {
    eta <- drop(X %*% b[1:p]) + offset; z <- c(-Inf, b[p + 1:q], Inf)
    Fu <- plogis(z[y + 1] - eta); Fl <- plogis(z[y] - eta); P <- Fu - Fl
    fu <- Fu * (1 - Fu); fl <- Fl * (1 - Fl); gu <- fu * (1 - 2 * Fu); gl <- fl * (1 - 2 * Fl)
    Au <- cbind(-X, rbind(Z, 0)[y, , drop = FALSE]); Al <- cbind(-X, rbind(0, Z)[y, , drop = FALSE])
    U <- (fu * Au - fl * Al) / P
    list(U = U, w = w, loglik = sum(w * log(P)), H = crossprod(U * sqrt(w)) - crossprod(Au, w * gu / P * Au) + crossprod(Al, w * gl / P * Al))
  })
  end$X <- X; end$y <- y; end$w <- w; end
}
multinom_end <- function(formula, data, w = rep(1, nrow(data))) {
  data$.w <- w
  m <- multinom(formula, data, weights = .w, trace = FALSE, maxit = 1000, reltol = 1e-12)
  X <- model.matrix(formula, data); y <- as.integer(model.response(model.frame(formula, data)))
  K <- max(y); p <- ncol(X); Y <- diag(K)[y, ]
  end <- newton(c(t(coef(m))), function(b) {
    e <- cbind(1, exp(X %*% matrix(b, p))); P <- e / rowSums(e)
    U <- do.call(cbind, lapply(2:K, function(k) (Y[, k] - P[, k]) * X))
    H <- do.call(rbind, lapply(2:K, function(j) do.call(cbind, lapply(2:K, function(k) crossprod(X, w * P[, j] * ((j == k) - P[, k]) * X)))))
    list(U = U, w = w, loglik = sum(w * log(P[cbind(seq_along(y), y)])), H = H)
  })
  end$P <- function(new) { e <- cbind(1, exp(model.matrix(formula[-2], new) %*% matrix(end$b, p))); e / rowSums(e) }
  end
}
se <- function(V) sqrt(diag(V))
own <- function(e) c(e$b, se = se(e$V), loglik = e$loglik)
hc <- function(e) { S <- e$V %*% crossprod(e$U) %*% e$V; n <- nrow(e$U); k <- length(e$b); c(hc0 = se(S), hc1 = se(S * n / (n - k))) }
cr <- function(e, g) { T <- rowsum(e$U, g); S <- e$V %*% crossprod(T) %*% e$V; G <- nrow(T); n <- nrow(e$U); k <- length(e$b)
  c(cr0 = se(S), cr1 = se(S * G / (G - 1)), cr1s = se(S * G / (G - 1) * (n - 1) / (n - k))) }
by_design <- function(e, d) se(svyrecvar(e$U %*% e$V, d$cluster, d$strata, d$fpc, postStrata = d$postStrata))
scaled <- function(d) weights(d) / mean(weights(d))
# Brant (1990), written out: logistic regressions at every cut and their joint covariance; S: from stacked influence
brant <- function(e, terms, cluster = NULL) {
  X <- cbind(1, e$X); K <- max(e$y); p <- ncol(X)
  fits <- lapply(1:(K - 1), function(k) suppressWarnings(glm.fit(X, as.numeric(e$y > k), e$w, family = binomial(), control = list(epsilon = 1e-14, maxit = 100))))
  P <- sapply(fits, fitted); B <- lapply(1:(K - 1), function(k) solve(crossprod(X, e$w * P[, k] * (1 - P[, k]) * X)))
  V <- if (is.null(cluster)) do.call(rbind, lapply(1:(K - 1), function(k) do.call(cbind, lapply(1:(K - 1), function(m)
    B[[k]] %*% crossprod(X, e$w * (P[, max(k, m)] - P[, k] * P[, m]) * X) %*% B[[m]]))))
  else { I <- do.call(cbind, lapply(1:(K - 1), function(k) (X * e$w * ((e$y > k) - P[, k])) %*% B[[k]])); T <- rowsum(I, cluster); crossprod(T) * nrow(T) / (nrow(T) - 1) }
  b <- unlist(lapply(fits, function(f) f$coefficients))
  wald <- function(i) { D <- do.call(rbind, lapply(2:(K - 1), function(k) { M <- matrix(0, length(i), length(b)); M[cbind(seq_along(i), i + 1)] <- 1; M[cbind(seq_along(i), (k - 1) * p + i + 1)] <- -1; M }))
    x <- drop(t(D %*% b) %*% solve(D %*% V %*% t(D)) %*% (D %*% b)); c(chisq = x, df = nrow(D), p = pchisq(x, nrow(D), lower.tail = FALSE)) }
  c(sapply(split(seq_along(terms), factor(terms, unique(terms))), wald), wald(seq_along(terms)))
}

record("own.polr.housing", "Proportional odds", "housing", "own(polr_end(Sat ~ Infl + Type + Cont, housing, housing$Freq))", "MASS")
record("own.polr.size", "Proportional odds", "rotterdam", "local({e <- polr_end(size ~ age_10 + meno + grade + log_pgr, rotterdam); c(own(e), hc(e))})", "MASS")
record("own.polr.weights", "Proportional odds, sampling weights", "rotterdam", "local({e <- polr_end(size ~ age_10 + hormon, rotterdam, rotterdam$sampling); c(e$b, hc(e))})", "MASS")
record("own.polr.offset", "Proportional odds, offset", "rotterdam", "own(polr_end(size ~ meno + grade, rotterdam, offset = rotterdam$age / 50))", "MASS")
record("own.polr.cluster", "Proportional odds, clusters", "colon", "local({d <- subset(colon, !is.na(differ)); e <- polr_end(differ ~ rx + sex + age, d); c(e$b, cr(e, d$village))})", "MASS")
record("own.polr.predict", "Proportional odds, probabilities", "rotterdam", "local({e <- polr_end(size ~ age_10 + hormon, rotterdam); f <- function(x) diff(c(0, plogis(e$b[3:4] - sum(x * e$b[1:2])), 1)); c(f(c(4, 0)), f(c(7, 1)))})", "MASS")
record("own.brant.size", "Brant test", "rotterdam", "brant(polr_end(size ~ age_10 + meno + grade + log_pgr, rotterdam), c('age_10', 'meno', 'grade', 'log_pgr'))", "MASS")
record("own.brant.housing", "Brant test, factors, frequency weights", "housing", "brant(polr_end(Sat ~ Infl + Type + Cont, housing, housing$Freq), rep(c('Infl', 'Type', 'Cont'), c(2, 3, 1)))", "MASS")
record("own.brant.four", "Brant test, four categories", "nhanes", "brant(polr_end(agecat ~ race + sex, nhanes), rep(c('race', 'sex'), c(3, 1)))", "MASS")
record("own.brant.cluster", "Brant test, robust", "colon", "local({d <- subset(colon, !is.na(differ)); brant(polr_end(differ ~ rx + sex + age, d), c('rx', 'rx', 'sex', 'age'), d$village)})", "MASS")
record("own.svyolr.nhanes", "Proportional odds, survey design", "nhanes", "local({d <- svydesign(~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes); e <- polr_end(agecat ~ race + sex, nhanes, scaled(d)); c(e$b, se = by_design(e, d), df = degf(d) - 4)})", c("MASS", "survey"))
record("own.svyolr.asis", "Proportional odds, survey design, svyolr as it stops", "nhanes", "local({d <- svydesign(~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes); m <- svyolr(agecat ~ race + sex, d); c(m$coefficients, m$zeta, se = se(m$var), df = m$df.residual)})", "survey")
record("own.svyolr.fpc", "Proportional odds, strata and fpc", "apistrat", "local({s <- read('apistrat'); s$level <- cut(s$api00, c(0, 600, 700, 1000)); d <- svydesign(~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = s); e <- polr_end(level ~ ell + meals, s, scaled(d)); c(e$b, se = by_design(e, d), df = degf(d) - 2)})", c("MASS", "survey"))
record("own.multinom.housing", "Multinomial", "housing", "own(multinom_end(Sat ~ Infl + Type + Cont, housing, housing$Freq))", "nnet")
record("own.multinom.education", "Multinomial, weights", "infert", "local({e <- multinom_end(education ~ age + parity, education, 1 + .5 * (education$case == 1)); c(own(e), hc(e))})", "nnet")
record("own.multinom.cluster", "Multinomial, clusters", "colon", "local({d <- subset(colon, !is.na(differ)); e <- multinom_end(differ ~ rx + sex, d); c(e$b, cr(e, d$village))})", "nnet")
record("own.multinom.survey", "Multinomial, survey design", "apiclus1", "local({d <- svydesign(~dnum, weights = ~pw, fpc = ~fpc, data = schools); e <- multinom_end(stype ~ ell + meals, schools, scaled(d)); c(e$b, se = by_design(e, d), df = degf(d) - 2)})", c("nnet", "survey"))
record("own.multinom.predict", "Multinomial, probabilities", "infert", "c(t(multinom_end(education ~ age + parity, education)$P(data.frame(age = c(25, 40), parity = c(1, 4)))))", "nnet")
record("own.multinom.terms", "Multinomial, Wald and likelihood ratio tests of terms", "housing", "local({e <- multinom_end(Sat ~ Infl + Type + Cont, housing, housing$Freq); w <- function(i) { x <- drop(e$b[i] %*% solve(e$V[i, i], e$b[i])); c(chisq = x, df = length(i), p = pchisq(x, length(i), lower.tail = FALSE)) }; l <- 2 * (e$loglik - multinom_end(Sat ~ Type + Cont, housing, housing$Freq)$loglik); c(w(c(2, 3, 9, 10)), w(c(4:6, 11:13)), w(c(7, 14)), lr = l, df = 4, p = pchisq(l, 4, lower.tail = FALSE))})", "nnet")
record("own.clogit.interaction", "Conditional logistic", "infert", "local({m <- clogit(case ~ spontaneous * induced + strata(stratum), infert, method = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
record("own.clogit.pooled", "Conditional logistic, several cases a set", "infert", "local({m <- clogit(case ~ spontaneous + induced + strata(pooled.stratum), infert, method = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
record("own.clogit.two", "Conditional logistic, two cases a set", "infert", "local({m <- clogit(case ~ spontaneous + induced + I(age > 30) + strata(set), transform(infert, set = (stratum + 1) %/% 2), method = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
record("own.clogit.large", "Conditional logistic, large sets", "lung", "local({m <- clogit(I(status == 2) ~ age + sex + ph.ecog + strata(inst), lung, method = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
record("own.clogit.cluster", "Conditional logistic, clusters (one case a set: Efron's ties are exact), CR1", "infert", "local({m <- coxph(Surv(rep(1, nrow(infert)), case) ~ spontaneous + induced + strata(stratum), infert, cluster = pooled.stratum, control = exact); G <- length(unique(infert$pooled.stratum)); c(coef(m), se = se(vcov(m)) * sqrt(G / (G - 1)))})", "survival")
record("own.cox.exact.months", "Cox, exact ties, many of them", "lung", "local({m <- coxph(Surv(ceiling(time / 90), status) ~ age + sex + ph.ecog, lung, ties = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
record("own.cox.exact.strata", "Cox, exact ties, strata", "veteran", "local({m <- coxph(Surv(ceiling(time / 30), status) ~ trt + karno + age + strata(celltype), veteran, ties = 'exact', control = exact); c(coef(m), se = se(vcov(m)), loglik = m$loglik)})", "survival")
# with late entry R forgets to give its result a class
record("own.cox.exact.entry", "Cox, exact ties, late entry", "heart", "local({m <- coxph(Surv(start, stop, event) ~ age + year + surgery, heart, ties = 'exact', control = exact); c(m$coefficients, se = se(m$var), loglik = m$loglik)})", "survival")
finish("categories")
