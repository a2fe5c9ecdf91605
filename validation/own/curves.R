# Log-rank tests, Nelson-Aalen, restricted means, Cox residuals, tests and curves. Usage: see record.R.
suppressMessages(library(survival))
source("validation/own/record.R")
colon <- read("colon"); heart <- read("heart"); veteran <- read("veteran"); rotterdam <- read("rotterdam")
death <- subset(colon, etype == 2); death$rx <- factor(death$rx, c("Obs", "Lev", "Lev+5FU"))
death$few <- cut(death$nodes, c(-1, 1, 4, 99), labels = c("0-1", "2-4", "5+")); death$w <- 1 + (death$id %% 5); death$village <- death$id %/% 20
heart$w <- 1 + .5 * (heart$age > 0); veteran$celltype <- factor(veteran$celltype); veteran$w <- 1 + (seq_len(nrow(veteran)) %% 3)
rotterdam$size <- factor(rotterdam$size); rotterdam$year3 <- rotterdam$year %/% 5
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)
# The weighted log-rank test written out: Fleming & Harrington (1991) ch. 7, at risk over (entry, exit], in strata
fleming_harrington <- function(entry, exit, event, group, rho, gamma, stratum = rep(1, length(exit))) {
  g <- sort(unique(group)); u <- numeric(length(g)); V <- matrix(0, length(g), length(g)); o <- e <- u
  for (s in unique(stratum)) { S <- 1
    for (t in sort(unique(exit[event == 1 & stratum == s]))) {
      at <- stratum == s & entry < t & exit >= t; dying <- stratum == s & event == 1 & exit == t
      n <- sum(at); d <- sum(dying); w <- S^rho * (1 - S)^gamma
      p <- sapply(g, function(k) sum(at & group == k)) / n
      o <- o + w * sapply(g, function(k) sum(dying & group == k)); e <- e + w * d * p
      if (n > 1) V <- V + w^2 * d * (n - d) / (n - 1) * (diag(p) - p %o% p)
      S <- S * (1 - d / n) } }
  u <- (o - e)[-1]; list(chisq = drop(u %*% solve(V[-1, -1], u)), obs = o, exp = e, var = V) }
rmst2 <- function(fit, tau) {  # survRM2: rmst of each group, differences and ratios against the first
  t <- summary(fit, rmean = tau)$table; m <- t[, "rmean"]; s <- t[, "se(rmean)"]; k <- 2:length(m); z <- qnorm(.975)
  d <- m[k] - m[1]; sd <- sqrt(s[k]^2 + s[1]^2); r <- log(m[k] / m[1]); sr <- sqrt((s[k] / m[k])^2 + (s[1] / m[1])^2)
  c(m, s, d, d - z * sd, d + z * sd, 2 * pnorm(-abs(d / sd)), exp(r), exp(r - z * sr), exp(r + z * sr), 2 * pnorm(-abs(r / sr))) }
cox <- function(...) { call <- match.call(); call[[1]] <- quote(coxph); call$control <- quote(tight); eval(call, parent.frame()) }
all_residuals <- function(m, i) c(sapply(c("martingale", "deviance"), function(k) residuals(m, k)[i]), sapply(c("score", "dfbeta", "schoenfeld", "scaledsch"), function(k) residuals(m, k)[i, ]))
curve_of <- function(m, new, times, type) { s <- summary(survfit(m, newdata = new, conf.type = type), times = times); c(s$surv, s$std.err, s$lower, s$upper) }
s <- "survival"

record("own.lr.three", "Log-rank of three groups, ties; observed and expected; rho 1/2", "colon", "local({a <- survdiff(Surv(time, status) ~ rx, death); c(a$chisq, a$pvalue, a$obs, a$exp, survdiff(Surv(time, status) ~ rx, death, rho = .5)$chisq)})", s)
record("own.lr.strata.rho", "Stratified log-rank, rho 1", "colon", "local({a <- survdiff(Surv(time, status) ~ rx + strata(sex, few), death, rho = 1); c(a$chisq, rowSums(a$obs), rowSums(a$exp))})", s)
record("own.lr.single", "Log-rank, strata that are mostly one person", "veteran", "survdiff(Surv(time, status) ~ trt + strata(age, celltype), veteran)$chisq", s)
record("own.lr.gamma", "Fleming-Harrington (0,1) and (1,1)", "colon", "with(death, c(fleming_harrington(-1, time, status, as.integer(rx), 0, 1)$chisq, fleming_harrington(-1, time, status, as.integer(rx), 1, 1)$chisq))", s)
record("own.lr.entry", "Log-rank, late entry, in strata", "heart", "local({a <- with(heart, fleming_harrington(start, stop, event, transplant, 0, 0, surgery)); c(a$chisq, a$obs, a$exp)})", s)
record("own.lr.trend", "Tarone trend, strata, scores 0, 1, 3", "colon", "local({a <- survdiff(Surv(time, status) ~ few + strata(sex), death); v <- c(0, 1, 3); sum(v * rowSums(a$obs - a$exp))^2 / drop(v %*% a$var %*% v)})", s)
record("own.na.entry", "Nelson-Aalen, late entry, groups", "heart", "local({a <- summary(survfit(Surv(start, stop, event) ~ transplant, heart), times = c(50, 100, 300)); c(a$cumhaz, a$std.chaz)})", s)
record("own.na.weights", "Nelson-Aalen, weights, robust", "colon", "local({a <- summary(survfit(Surv(time, status) ~ 1, death, weights = w, robust = TRUE), times = c(200, 1000, 2500)); c(a$cumhaz, a$std.chaz)})", s)
record("own.na.cluster", "Nelson-Aalen, clusters", "colon", "local({a <- summary(survfit(Surv(time, status) ~ 1, death, cluster = village), times = c(200, 1000, 2500)); c(a$cumhaz, a$std.chaz)})", s)
record("own.rmst.three", "RMST of three groups, differences and ratios (survRM2's formulas)", "colon", "rmst2(survfit(Surv(time, status) ~ rx, death), 2000)", s)
record("own.rmst.entry", "RMST, late entry", "heart", "rmst2(survfit(Surv(start, stop, event) ~ transplant, heart), 150)", s)
record("own.rmst.weights", "RMST, weights, infinitesimal jackknife", "colon", "local({f <- survfit(Surv(time, status) ~ 1, death, weights = w); r <- residuals(f, times = 1500, type = 'rmst'); c(summary(f, rmean = 1500)$table['rmean'], se = sqrt(sum((death$w * r)^2)))})", s)
record("own.zph.terms", "cox.zph with a factor, four transforms: chi-square and p", "veteran", "local({m <- cox(Surv(time, status) ~ trt + karno + celltype, veteran); sapply(c('km', 'identity', 'rank', 'log'), function(k) cox.zph(m, k)$table[, c('chisq', 'p')])})", s)
record("own.zph.strata", "cox.zph, strata, Breslow", "veteran", "local({m <- cox(Surv(time, status) ~ trt + karno + strata(celltype), veteran, ties = 'breslow'); sapply(c('km', 'rank'), function(k) cox.zph(m, k)$table[, 'chisq'])})", s)
record("own.zph.entry", "cox.zph, late entry, strata, clusters, weights", "heart", "local({m <- cox(Surv(start, stop, event) ~ age + year + strata(surgery), heart, cluster = id, weights = w); sapply(c('km', 'identity', 'rank'), function(k) cox.zph(m, k)$table[, 'chisq'])})", s)
record("own.resid.ties", "Residuals, many ties", "rotterdam", "all_residuals(cox(Surv(dtime %/% 365, death) ~ age + nodes, subset(rotterdam, dtime >= 365)), 1:4)", s)
record("own.resid.entry", "Residuals, late entry, strata, weights (robust)", "heart", "all_residuals(cox(Surv(start, stop, event) ~ age + year + strata(surgery), heart, weights = w), 1:5)", s)
record("own.resid.breslow", "Residuals, Breslow, strata", "veteran", "all_residuals(cox(Surv(time, status) ~ trt + karno + strata(celltype), veteran, ties = 'breslow'), 1:3)", s)
record("own.surv.strata", "survfit.coxph, strata, log-log", "veteran", "local({m <- cox(Surv(time, status) ~ trt + karno + strata(celltype), veteran); unlist(lapply(c('large', 'squamous'), function(k) curve_of(m, data.frame(trt = 2, karno = 40, celltype = factor(k, levels(veteran$celltype))), c(20, 100), 'log-log')))})", s)
record("own.surv.ties", "survfit.coxph of three people, many ties, Efron and Breslow", "rotterdam", "local({d <- subset(rotterdam, dtime >= 365); d$y <- d$dtime %/% 365; n <- data.frame(age = c(40, 60, 80), nodes = c(0, 3, 10)); c(curve_of(cox(Surv(y, death) ~ age + nodes, d), n, c(2, 7), 'log'), curve_of(cox(Surv(y, death) ~ age + nodes, d, ties = 'breslow'), n, c(2, 7), 'plain'))})", s)
record("own.surv.weights", "survfit.coxph, late entry, weights (robust), clusters", "heart", "curve_of(cox(Surv(start, stop, event) ~ age + year, heart, weights = w, cluster = id), data.frame(age = c(-10, 5), year = c(1, 4)), c(0.5, 30, 300), 'log')", s)
record("own.conc.se", "Concordance and its error: strata; late entry, clusters; weights", "veteran, heart, colon", "local({k <- lapply(list(cox(Surv(time, status) ~ trt + karno + strata(celltype), veteran), cox(Surv(start, stop, event) ~ age + year + transplant, heart, cluster = id), cox(Surv(time, status) ~ age + sex, death, weights = w)), concordance); unlist(lapply(k, function(x) c(x$concordance, sqrt(x$var))))})", s)
record("own.cox.tests", "Score, Wald and likelihood ratio test; robust Wald", "veteran", "local({m <- cox(Surv(time, status) ~ trt + karno + celltype, veteran); r <- cox(Surv(time, status) ~ trt + karno + celltype, veteran, weights = w, robust = TRUE); c(m$score, m$wald.test, 2 * diff(m$loglik), r$score, r$wald.test, 2 * diff(r$loglik), summary(m)$sctest['pvalue'])})", s)
record("own.split", "survSplit of episodes, and an effect that changes", "heart", "local({v <- survSplit(Surv(start, stop, event) ~ ., heart, cut = c(30, 100, 100.5), episode = 'k'); m <- cox(Surv(start, stop, event) ~ year + age:factor(k > 1), v); c(nrow(v), tapply(v$stop - v$start, v$k, sum), tapply(v$event, v$k, sum), coef(m), sqrt(diag(vcov(m))))})", s)
record("own.tt", "tt(): an effect that changes with log time", "colon", "local({m <- coxph(Surv(time, status) ~ sex + node4 + tt(node4), subset(death, id <= 300), tt = function(x, t, ...) x * log(t + 20), control = tight); c(coef(m), sqrt(diag(vcov(m))))})", s)
finish("curves")
