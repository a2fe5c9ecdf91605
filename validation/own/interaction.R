# Interaction, attributable fractions, E-values, bias analysis, multiple testing. Usage: see record.R.
suppressMessages({library(survival); library(sandwich); library(survey); library(epiR); library(geepack)})
source("validation/own/record.R")
tight_glm <- list(epsilon = 1e-14, maxit = 200)
tight_cox <- coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)
infert <- transform(read("infert"), spont = as.numeric(spontaneous > 0), ind = as.numeric(induced > 0))
rotterdam <- transform(read("rotterdam"), old = as.numeric(age > 60), many = as.numeric(nodes > 3))
colon <- transform(subset(read("colon"), etype == 2), rx = factor(rx, c("Obs", "Lev", "Lev+5FU")), village = (id - 1) %/% 20)
ohio <- transform(read("ohio"), older = as.numeric(age > -1))
nhanes <- transform(read("nhanes"), man = as.numeric(RIAGENDR == 1), old = as.numeric(agecat != "(0,19]" & agecat != "(19,39]"))

# log effects of a alone, b alone and both from the coefficients of a, b and a:b
joint <- function(b, V) { A <- rbind(c(1, 0, 0), c(0, 1, 0), c(1, 1, 1)); list(b = c(A %*% b), V = A %*% V %*% t(A)) }
of <- function(m, names, V = vcov(m)) joint(coef(m)[names], V[names, names])
# Hosmer & Lemeshow (1992)
delta <- function(j, q = qnorm(.975)) {
  e <- exp(j$b); wald <- function(est, h, back = identity) { s <- sqrt(c(h %*% j$V %*% h)); c(back(est), back(est - q * s), back(est + q * s)) }
  r <- e[3] - e[1] - e[2] + 1; log_s <- suppressWarnings(log((e[3] - 1) / (e[1] + e[2] - 2)))
  c(RERI = wald(r, c(-e[1], -e[2], e[3])), AP = wald(r / e[3], c(-e[1], -e[2], e[1] + e[2] - 1) / e[3]),
    S = if (is.na(log_s)) c((e[3] - 1) / (e[1] + e[2] - 2), NA, NA) else wald(log_s, c(-e[1] / (e[1] + e[2] - 2), -e[2] / (e[1] + e[2] - 2), e[3] / (e[3] - 1)), exp),
    ratio = wald(j$b[3] - j$b[1] - j$b[2], c(-1, -1, 1), exp))
}
# Zou (2008), equations for RERI; for AP the same with 1 / RR11, RR10 / RR11 and RR01 / RR11
mover1 <- function(b, V, q) {
  e <- exp(b); s <- sqrt(diag(V)); l <- exp(b - q * s); u <- exp(b + q * s); r <- cov2cor(V); R <- e[3] - e[1] - e[2] + 1
  L <- R - sqrt((e[3] - l[3])^2 + (u[1] - e[1])^2 + (u[2] - e[2])^2 - 2 * r[1, 3] * (e[3] - l[3]) * (u[1] - e[1]) - 2 * r[2, 3] * (e[3] - l[3]) * (u[2] - e[2]) + 2 * r[1, 2] * (u[1] - e[1]) * (u[2] - e[2]))
  U <- R + sqrt((u[3] - e[3])^2 + (e[1] - l[1])^2 + (e[2] - l[2])^2 - 2 * r[1, 3] * (u[3] - e[3]) * (e[1] - l[1]) - 2 * r[2, 3] * (u[3] - e[3]) * (e[2] - l[2]) + 2 * r[1, 2] * (e[1] - l[1]) * (e[2] - l[2]))
  c(L, U)
}
mover <- function(j, q = qnorm(.975)) {
  A <- rbind(c(1, 0, -1), c(0, 1, -1), c(0, 0, -1))
  c(RERI = mover1(j$b, j$V, q), AP = mover1(c(A %*% j$b), A %*% j$V %*% t(A), q))
}
mover_p <- function(j) { side <- if (sum(exp(j$b) * c(-1, -1, 1)) + 1 > 0) 1 else 2
  2 * pnorm(-uniroot(function(q) mover1(j$b, j$V, q)[side], c(0, 20), tol = 1e-15)$root) }
cr1 <- function(m, id) { E <- rowsum(estfun(m), id); G <- nrow(E); B <- summary(m)$cov.unscaled; G / (G - 1) * B %*% crossprod(E) %*% B }
ratio <- function(m, h, V = vcov(m)) { s <- sqrt(c(h %*% V %*% h)); exp(c(sum(h * coef(m)), sum(h * coef(m)) - qnorm(.975) * s, sum(h * coef(m)) + qnorm(.975) * s)) }

i_logit <- glm(case ~ spont * ind + age, binomial, infert, control = tight_glm)
p_pois <- glm(death ~ many * old + meno, poisson, rotterdam, control = tight_glm)
o_logit <- glm(resp ~ older * smoke, binomial, ohio, control = tight_glm)
r_cox <- coxph(Surv(dtime, death) ~ many * old + size, rotterdam, control = tight_cox)
record("own.inter.logit", "RERI, AP, S, ratio: delta", "infert", "delta(of(i_logit, c('spont', 'ind', 'spont:ind')))")
record("own.inter.epir", "epi.interaction", "infert", "local({f <- epi.interaction(i_logit, param = 'product', coef = c(2, 3, 5), conf.level = .95); unlist(lapply(f[1:3], function(x) x[c('est', 'lower', 'upper')]))})", "epiR")
record("own.inter.mover", "RERI, AP: MOVER", "infert", "mover(of(i_logit, c('spont', 'ind', 'spont:ind')))")
record("own.inter.mover.p", "RERI: p at which a MOVER limit is 0", "infert", "mover_p(of(i_logit, c('spont', 'ind', 'spont:ind')))")
record("own.inter.pr", "RERI, AP, S of PRs, HC0", "rotterdam", "c(delta(of(p_pois, c('many', 'old', 'many:old'), vcovHC(p_pois, type = 'HC0'))), mover(of(p_pois, c('many', 'old', 'many:old'), vcovHC(p_pois, type = 'HC0'))))", "sandwich")
record("own.inter.cluster", "RERI, AP, S of ORs, CR1", "ohio", "delta(of(o_logit, c('older', 'smoke', 'older:smoke'), cr1(o_logit, ohio$id)))", "sandwich")
record("own.inter.cox", "RERI, AP, S of HRs", "rotterdam", "c(delta(of(r_cox, c('many', 'old', 'many:old'))), mover(of(r_cox, c('many', 'old', 'many:old'))))", "survival")
record("own.inter.survey", "RERI, AP, S of ORs, survey design", "nhanes", "local({d <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes); m <- svyglm(HI_CHOL ~ man * old, d, family = quasibinomial(), control = tight_glm); delta(of(m, c('man', 'old', 'man:old')), qt(.975, degf(d) + 1 - 4))})", "survey")
record("own.inter.three", "Joint ORs, three levels by two", "colon", "local({m <- glm(status ~ rx * sex + age, binomial, colon, control = tight_glm); n <- names(coef(m)); h <- function(...) as.numeric(n %in% c(...)); c(joint = ratio(m, h('rxLev+5FU', 'sex', 'rxLev+5FU:sex')), within = ratio(m, h('rxLev+5FU', 'rxLev+5FU:sex')), b = ratio(m, h('sex', 'rxLev:sex')), delta(of(m, c('rxLev+5FU', 'sex', 'rxLev+5FU:sex'))), delta(of(m, c('rxLev', 'sex', 'rxLev:sex'))))})")
record("own.inter.reference", "Another reference", "colon", "local({d <- transform(colon, rx = relevel(rx, 'Lev+5FU'), woman = 1 - sex); m <- glm(status ~ rx * woman + age, binomial, d, control = tight_glm); delta(of(m, c('rxObs', 'woman', 'rxObs:woman')))})")

# VanderWeele & Ding (2017), VanderWeele (2017), Chinn (2000)
ev <- function(rr) { rr <- max(rr, 1 / rr); rr + sqrt(rr * (rr - 1)) }
hr <- function(x) (1 - .5^sqrt(x)) / (1 - .5^sqrt(1 / x))
record("own.evalue.hr", "E-value, common HR", "HR 0.56 (0.46, 0.69)", "c(ev(hr(.56)), ev(hr(.69)))")
record("own.evalue.or", "E-value, common OR", "OR 1.86 (1.2, 2.9)", "c(ev(sqrt(1.86)), ev(sqrt(1.2)))")
record("own.evalue.smd", "E-value, SMD", "SMD -0.5, se 0.15", "c(ev(exp(.91 * -.5)), ev(exp(.91 * -.5 + 1.78 * .15)))")
record("own.evalue.true", "E-value to a true RR of 1.3", "RR 2.2 (1.5, 3.2)", "c(ev(2.2 / 1.3), ev(1.5 / 1.3))")

# Bruzzi et al. (1985), variance of the stacked equations; Greenland & Drescher (1993) as AF::AFglm of the package AF
meat <- function(psi, id) { if (is.null(id)) id <- seq_along(psi); t <- tapply(psi, id, sum); length(t) * var(c(t)) }
infl <- function(m) estfun(m) %*% summary(m)$cov.unscaled
af_cases <- function(m, d0, y, id = NULL) {
  D <- model.matrix(delete.response(terms(m)), d0) - model.matrix(m); k <- exp(c(D %*% coef(m))); af <- 1 - sum(y * k) / sum(y)
  c(af = af, se = sqrt(meat(y * (1 - k - af) / sum(y) - c(infl(m) %*% (colSums(y * k * D) / sum(y))), id)))
}
af_std <- function(m, d0, y, id = NULL) {
  X0 <- model.matrix(delete.response(terms(m)), d0); eta <- c(X0 %*% coef(m)); p0 <- m$family$linkinv(eta); n <- length(y); P <- mean(y); P0 <- mean(p0)
  d <- c((p0 - P0) / n + infl(m) %*% (colSums(m$family$mu.eta(eta) * X0) / n))
  c(af = 1 - P0 / P, se = sqrt(meat(P0 / P^2 * (y - P) / n - d / P, id)))
}
record("own.paf.cases", "PAF from cases", "infert", "af_cases(i_logit, transform(infert, spont = 0), infert$case)", "sandwich")
record("own.paf.cases.cluster", "PAF from cases, clusters", "colon", "local({m <- glm(status ~ rx * sex + age, poisson, colon, control = tight_glm); af_cases(m, transform(colon, rx = factor('Lev+5FU', levels(rx))), colon$status, colon$village)})", "sandwich")
record("own.paf.std", "PAF by standardization", "infert", "af_std(i_logit, transform(infert, spont = 0), infert$case)", "sandwich")
record("own.paf.std.cluster", "PAF by standardization, clusters", "ohio", "af_std(o_logit, transform(ohio, smoke = 0), ohio$resp, ohio$id)", "sandwich")
record("own.paf.std.poisson", "PAF by standardization, log link", "rotterdam", "af_std(p_pois, transform(rotterdam, many = 0), rotterdam$death)", "sandwich")

record("own.mt", "p.adjust with NA", "p=c(.2,.01,NA,.04,.03,.01)", "unlist(lapply(c('bonferroni', 'holm', 'hochberg', 'hommel', 'BH', 'BY'), function(k) na.omit(p.adjust(c(.2, .01, NA, .04, .03, .01), k))))")

# Lash, Fox & Fink (2009) ch. 4 to 6, as episensr; Bross (1966)
fix <- function(x, n, se, sp) (x - (1 - sp) * n) / (se + sp - 1)
record("own.bias.exposure", "Exposure misclassified, differential", "215, 1449, 668, 4296", "local({a <- fix(215, 1664, .78, .99); c_ <- fix(668, 4964, .85, .97); b <- 1664 - a; d <- 4964 - c_; c(or = a * d / (b * c_), rr = (a / (a + c_)) / (b / (b + d)))})")
record("own.bias.outcome", "Outcome misclassified", "4558, 3428, 46305, 46085", "local({a <- fix(4558, 50863, .53, .99); b <- fix(3428, 49513, .53, .99); c_ <- 50863 - a; d <- 49513 - b; c(or = a * d / (b * c_), rr = (a / 50863) / (b / 49513))})")
record("own.bias.confounder", "Unmeasured confounder", "RR 0.348 (0.3, 0.41)", "c(.348, .3, .41) / ((.63 * .8 + .2) / (.63 * .05 + .95))")
record("own.bias.selection", "Selection", "OR 0.706 (0.53, 0.94)", "c(.706, .53, .94) * (.85 * .64) / (.94 * .25)")
record("own.bias.control", "Negative control", "infert", "local({a <- glm(case ~ spont + age, binomial, infert, control = tight_glm); b <- glm(I(parity > 2) ~ spont + age, binomial, infert, control = tight_glm); d <- coef(a)['spont'] - coef(b)['spont']; s <- sqrt(vcov(a)['spont', 'spont'] + vcov(b)['spont', 'spont']); c(exp(c(d, d - qnorm(.975) * s, d + qnorm(.975) * s)), p = 2 * pnorm(-abs(d / s)))})")
record("own.inter.clogit", "RERI, AP, S, ratio; conditional logistic, exact", "infert", "local({m <- clogit(case ~ spont * ind + strata(stratum), infert, method = 'exact', control = coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15)); delta(of(m, c('spont', 'ind', 'spont:ind'))) })", "survival")
record("own.inter.gee", "RERI, AP, S, ratio; GEE, exchangeable", "ohio", "local({m <- geeglm(resp ~ older * smoke, id = id, data = ohio, family = binomial, corstr = 'exchangeable', control = geese.control(epsilon = 1e-13, maxit = 500)); n <- names(coef(m)); V <- matrix(vcov(m), 4, dimnames = list(n, n)); delta(of(m, c('older', 'smoke', 'older:smoke'), V)) })", "geepack")
finish("interaction")
