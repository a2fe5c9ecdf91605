# Comparisons of prevalence, trend, correction for test errors. Usage: see record.R.
source("validation/own/record.R")
nhanes <- read("nhanes"); lung <- read("lung"); infert <- read("infert"); colon <- read("colon"); bcg <- read("bcg")
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-15, maxiter = 10000)$root
# The conditional odds ratio of fisher.test, whose own uniroot stops at 1e-4: the same equations solved to the end.
# x1 of n1 exposed, x0 of n0 unexposed; share 1: exact, 0.5: mid-P
conditional <- function(x1, n1, x0, n0, share = 1, level = .95) {
  m <- x1 + x0; k <- max(0, m - n0):min(n1, m)
  d <- function(b) { l <- dhyper(k, n1, n0, m, log = TRUE) + k * b; w <- exp(l - max(l)); w / sum(w) }
  tail <- (1 - level) / 2
  est <- if (x1 == min(k)) 0 else if (x1 == max(k)) Inf else exp(root(function(b) sum(k * d(b)) - x1, -20, 20))
  lo <- if (x1 == min(k)) 0 else exp(root(function(b) sum(d(b)[k > x1]) + share * d(b)[k == x1] - tail, -20, 20))
  hi <- if (x1 == max(k)) Inf else exp(root(function(b) sum(d(b)[k < x1]) + share * d(b)[k == x1] - tail, -20, 20))
  c(estimate = est, lower = lo, upper = hi)
}
# Score limits from their definition: restricted estimates by the likelihood's derivative, not the closed forms
koopman <- function(x1, n1, x0, n0, level = .95) {
  X2 <- function(lr) { r <- exp(lr); top <- min(1, 1 / r)
    s <- function(p) (x1 + x0) / p - (n1 - x1) * r / (1 - r * p) - (n0 - x0) / (1 - p)
    p <- root(s, 1e-13, top * (1 - 1e-13)); q <- r * p
    (x1 - n1 * q)^2 / (n1 * q * (1 - q)) + (x0 - n0 * p)^2 / (n0 * p * (1 - p)) - qchisq(level, 1) }
  c(lower = if (x1 == 0) 0 else exp(root(X2, log(x1 / n1 / (x0 / n0)) - 4, log(x1 / n1 / (x0 / n0)))),
    upper = exp(if (x1 == 0) root(X2, -6, 6) else root(X2, log(x1 / n1 / (x0 / n0)), log(x1 / n1 / (x0 / n0)) + 4)))
}
miettinen_nurminen <- function(x1, n1, x0, n0, level = .95) {
  N <- n1 + n0; D <- x1 / n1 - x0 / n0
  part <- function(x, p) if (x == 0) 0 else x / p
  X2 <- function(delta) { low <- max(0, -delta); high <- min(1, 1 - delta); e <- 1e-14 * (high - low)
    s <- function(p) part(x1, p + delta) - part(n1 - x1, 1 - p - delta) + part(x0, p) - part(n0 - x0, 1 - p)
    p <- if (s(low + e) < 0) low else if (s(high - e) > 0) high else root(s, low + e, high - e)
    q <- p + delta
    (D - delta)^2 / ((q * (1 - q) / n1 + p * (1 - p) / n0) * N / (N - 1)) - qchisq(level, 1) }
  c(lower = root(X2, -1 + 1e-6, D - 1e-9), upper = root(X2, D + 1e-9, 1 - 1e-6))
}
# Breslow & Day (1980) with Tarone's correction from the definition; expected counts by root finding
breslow_day <- function(x) {
  or <- mantelhaen.test(x)$estimate; k <- dim(x)[3]; e <- v <- a <- numeric(k)
  for (i in seq_len(k)) { n1 <- sum(x[1, , i]); n0 <- sum(x[2, , i]); m <- sum(x[, 1, i]); a[i] <- x[1, 1, i]
    e[i] <- root(function(A) log(A) + log(n0 - m + A) - log(n1 - A) - log(m - A) - log(or), max(0, m - n0) + 1e-12, min(n1, m) - 1e-12)
    v[i] <- 1 / (1 / e[i] + 1 / (n1 - e[i]) + 1 / (m - e[i]) + 1 / (n0 - m + e[i])) }
  s <- sum((a - e)^2 / v) - sum(a - e)^2 / sum(v)
  c(statistic = s, p = pchisq(s, k - 1, lower.tail = FALSE))
}
# Lang & Reiczigel (2014), equations 4, 7, 16, 17, as asht::prevSeSp has them
lang_reiczigel <- function(x, n, xse, nse, xsp, nsp, level = .95) {
  z <- qnorm(1 - (1 - level) / 2); N <- n + z^2; ap <- (x + z^2 / 2) / N
  se <- (xse + 1) / (nse + 2); sp <- (xsp + 1) / (nsp + 2); p <- (ap + sp - 1) / (se + sp - 1)
  d <- 2 * z^2 * (p * se * (1 - se) / (nse + 2) - (1 - p) * sp * (1 - sp) / (nsp + 2))
  v <- (ap * (1 - ap) / N + p^2 * se * (1 - se) / (nse + 2) + (1 - p)^2 * sp * (1 - sp) / (nsp + 2)) / (se + sp - 1)^2
  c(estimate = (x / n + xsp / nsp - 1) / (xse / nse + xsp / nsp - 1), p + d + c(lower = -1, upper = 1) * z * sqrt(v))
}
age <- c("(0,19]", "(19,39]", "(39,59]", "(59,Inf]")
colon_recurrence <- subset(colon, etype == 1)

record("own.or.exact.nhanes", "OR exact, high cholesterol, women (2) and men (1)", "nhanes", "with(subset(nhanes, !is.na(HI_CHOL)), c(conditional(sum(HI_CHOL[RIAGENDR == 2]), sum(RIAGENDR == 2), sum(HI_CHOL[RIAGENDR == 1]), sum(RIAGENDR == 1)), p = fisher.test(table(RIAGENDR, HI_CHOL))$p.value))")
record("own.or.exact.golden", "OR exact of id or.exact, solved to the end", "4/390 vs 4/1254", "conditional(4, 390, 4, 1254)")
record("own.or.exact.zero", "OR exact, empty cell", "0/12 vs 5/14", "c(conditional(0, 12, 5, 14)[c('estimate', 'lower', 'upper')], p = fisher.test(matrix(c(0, 5, 12, 9), 2))$p.value)")
record("own.or.exact.full", "OR exact, everybody", "9/9 vs 5/14", "c(conditional(9, 9, 5, 14)[c('lower')], p = fisher.test(matrix(c(9, 5, 0, 9), 2))$p.value)")
record("own.or.midp", "OR mid-P", "infert", "local({i <- subset(infert, education == '12+ yrs'); t <- table(i$spontaneous > 0, i$case); c(conditional(t[2, 2], sum(t[2, ]), t[1, 2], sum(t[1, ]), .5), p = epitools::ormidp.test(t[1, 1], t[1, 2], t[2, 1], t[2, 2])[['two.sided']])})", "epitools")
record("own.or.midp.epitools", "OR mid-P limits of epitools, which stops at 1e-4", "infert", "local({i <- subset(infert, education == '12+ yrs'); epitools::oddsratio.midp(table(i$spontaneous > 0, i$case))$measure[2, c('lower', 'upper')]})", "epitools")
record("own.or.wald", "OR Wald, and Pearson's test", "infert", "local({t <- table(infert$spontaneous > 0, infert$case); x <- chisq.test(t, correct = FALSE); c(epitools::oddsratio.wald(t)$measure[2, ], x$statistic, p = x$p.value)})", "epitools")
record("own.pr.twoby2", "PR log, deaths of men and women", "lung", "local({l <- table(factor(lung$sex, 1:2), factor(lung$status, 2:1)); Epi::twoby2(l, print = FALSE)$measures[1, ]})", "Epi")
record("own.pd.twoby2", "Newcombe difference, deaths of men and women", "lung", "local({l <- table(factor(lung$sex, 1:2), factor(lung$status, 2:1)); Epi::twoby2(l, print = FALSE)$measures[4, ]})", "Epi")
record("own.pr.levels", "PR log of three arms, recurrence of colon cancer", "colon", "local({r <- epitools::riskratio.wald(table(colon_recurrence$rx, colon_recurrence$status)[c('Obs', 'Lev', 'Lev+5FU'), ]); c(r$measure[2, ], r$measure[3, ], p = r$p.value[2:3, 'chi.square'])})", "epitools")
record("own.pr.koopman", "PR score", "lung", "with(lung, koopman(sum(status[sex == 2] == 2), sum(sex == 2), sum(status[sex == 1] == 2), sum(sex == 1)))")
record("own.pr.koopman.zero", "PR score, no events in one group", "0/20 vs 3/15", "koopman(0, 20, 3, 15)")
record("own.pd.wald", "Wald difference", "lung", "with(lung, prop.test(c(sum(status[sex == 2] == 2), sum(status[sex == 1] == 2)), c(sum(sex == 2), sum(sex == 1)), correct = FALSE)$conf.int)")
record("own.pd.mn", "Miettinen-Nurminen difference", "lung", "with(lung, miettinen_nurminen(sum(status[sex == 2] == 2), sum(sex == 2), sum(status[sex == 1] == 2), sum(sex == 1)))")
record("own.pd.mn.unequal", "Miettinen-Nurminen difference", "12/40 vs 9/25", "miettinen_nurminen(12, 40, 9, 25)")
record("own.pd.mn.zero", "Miettinen-Nurminen difference, no events in one group, 90 %", "0/20 vs 3/15", "miettinen_nurminen(0, 20, 3, 15, .9)")
record("own.mh.or.infert", "MH OR, CMH without correction, Breslow-Day-Tarone, by education", "infert", "local({x <- table(-(infert$spontaneous > 0), -infert$case, infert$education); m <- mantelhaen.test(x, correct = FALSE); c(m$estimate, lower = m$conf.int[1], upper = m$conf.int[2], m$statistic, p = m$p.value, bdt = breslow_day(x))})")
record("own.mh.or.matched", "MH OR of matched sets", "infert", "local({x <- table(-(infert$spontaneous > 0), -infert$case, infert$stratum); m <- mantelhaen.test(x); c(m$estimate, m$conf.int, m$statistic, p = m$p.value)})")
record("own.mh.or.bcg", "MH OR, CMH with correction, Tarone", "bcg", "local({m <- metafor::rma.mh(measure = 'OR', ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg, correct = TRUE); c(estimate = exp(m$beta[1]), lower = exp(m$ci.lb), upper = exp(m$ci.ub), se = m$se, CMH = m$MH, CMHp = m$MHp, tarone = m$TA, p = m$TAp)})", "metafor")
record("own.mh.rr.bcg", "MH PR, and Woolf's test", "bcg", "local({m <- metafor::rma.mh(measure = 'RR', ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg); q <- metafor::rma(measure = 'RR', ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg, method = 'FE'); c(estimate = exp(m$beta[1]), lower = exp(m$ci.lb), upper = exp(m$ci.ub), se = m$se, Q = q$QE, p = q$QEp)})", "metafor")
record("own.mh.rd.bcg", "MH difference with Sato's variance, and Woolf's test", "bcg", "local({m <- metafor::rma.mh(measure = 'RD', ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg); q <- metafor::rma(measure = 'RD', ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg, method = 'FE'); c(estimate = m$beta[1], lower = m$ci.lb, upper = m$ci.ub, se = m$se, Q = q$QE, p = q$QEp)})", "metafor")
record("own.trend.nhanes", "Trend of high cholesterol over age, and departure from it", "nhanes", "local({t <- table(nhanes$agecat, nhanes$HI_CHOL)[age, ]; r <- prop.trend.test(t[, 2], rowSums(t)); x <- chisq.test(t, correct = FALSE)$statistic - r$statistic; c(r$statistic, p = r$p.value, departure = x, p = pchisq(x, 2, lower.tail = FALSE))})")
record("own.trend.scores", "Trend with scores", "esoph by alcohol", "local({e <- aggregate(cbind(ncases, ncontrols) ~ alcgp, esoph, sum); r <- prop.trend.test(e$ncases, e$ncases + e$ncontrols, score = c(20, 60, 100, 150)); c(r$statistic, p = r$p.value)})")
record("own.trend.slope", "Slope of the linear probability model, HC0", "lung, ph.ecog 0, 1, 2, 3", "local({l <- subset(lung, !is.na(ph.ecog)); m <- lm(I(status == 2) ~ ph.ecog, l); c(coef(m)[2], se = sqrt(sandwich::vcovHC(m, type = 'HC0')[2, 2]))})", "sandwich")
record("own.rg.epiR", "Rogan-Gladen, Clopper-Pearson and Wilson", "epi.prev: three herds, se .60, sp .95", "unlist(c(epiR::epi.prev(pos = c(18, 32, 27), tested = c(210, 189, 124), se = .6, sp = .95, method = 'c-p', units = 1)$tp, epiR::epi.prev(pos = c(18, 32, 27), tested = c(210, 189, 124), se = .6, sp = .95, method = 'wilson', units = 1)$tp))", "epiR")
record("own.rg.lr", "Lang-Reiczigel", "150/1000, 45 of 50, 170 of 190", "lang_reiczigel(150, 1000, 45, 50, 170, 190)")
record("own.rg.lr.perfect", "Lang-Reiczigel, no error seen, 99 %", "20/80, 30 of 30, 40 of 40", "lang_reiczigel(20, 80, 30, 30, 40, 40, .99)")
finish("compare")
