# Diagnostic accuracy and agreement. Usage: see record.R. irr and irrCAC, where named, are written out as they publish.
suppressMessages({library(pROC); library(vcd); library(psych)})
source("validation/own/record.R")
asah <- read("asah"); apiclus1 <- read("apiclus1"); rotterdam <- read("rotterdam")
test <- as.numeric(asah$s100b >= .205); poor <- as.numeric(asah$outcome == "Poor")
wilson <- function(x, n, level = .95) c(x / n, suppressWarnings(prop.test(x, n, correct = FALSE, conf.level = level))$conf.int)
exact <- function(x, n) c(x / n, binom.test(x, n)$conf.int)
cells <- function(t, r) c(tp = sum(t & r), fp = sum(t & !r), fn = sum(!t & r), tn = sum(!t & !r))
five <- function(x, ci) c(ci(x[["tp"]], x[["tp"]] + x[["fn"]]), ci(x[["tn"]], x[["tn"]] + x[["fp"]]), ci(x[["tp"]], x[["tp"]] + x[["fp"]]),
  ci(x[["tn"]], x[["tn"]] + x[["fn"]]), ci(x[["tp"]] + x[["tn"]], sum(x)))
logci <- function(r, v, level = .95) c(r, exp(log(r) + c(-1, 1) * qnorm(.5 + level / 2) * sqrt(v)))
# likelihood ratios (Simel 1991, in sensitivity and specificity), diagnostic odds ratio (Woolf)
ratios <- function(x, level = .95) { se <- x[["tp"]] / (n1 <- x[["tp"]] + x[["fn"]]); sp <- x[["tn"]] / (n0 <- x[["tn"]] + x[["fp"]])
  c(logci(se / (1 - sp), (1 - se) / x[["tp"]] + sp / x[["fp"]], level), logci((1 - se) / sp, se / x[["fn"]] + (1 - sp) / x[["tn"]], level),
    logci(x[["tp"]] * x[["tn"]] / (x[["fp"]] * x[["fn"]]), sum(1 / x), level)) }
# Mercaldo et al. (2007): predictive values on the logit scale
bayes <- function(x, p) { se <- x[["tp"]] / (n1 <- x[["tp"]] + x[["fn"]]); sp <- x[["tn"]] / (n0 <- x[["tn"]] + x[["fp"]]); z <- qnorm(.975)
  l1 <- log(se * p / ((1 - sp) * (1 - p))); s1 <- sqrt((1 - se) / se / n1 + sp / (1 - sp) / n0)
  l0 <- log(sp * (1 - p) / ((1 - se) * p)); s0 <- sqrt(se / (1 - se) / n1 + (1 - sp) / sp / n0)
  plogis(c(l1, l1 - z * s1, l1 + z * s1, l0, l0 - z * s0, l0 + z * s0)) }
# Newcombe (1998) method 10 for the difference of the true and the false positive rate
newcombe <- function(a, m, b, n) { p <- wilson(a, m); q <- wilson(b, n); d <- p[1] - q[1]
  c(d, d - sqrt((p[1] - p[2])^2 + (q[3] - q[1])^2), d + sqrt((p[3] - p[1])^2 + (q[1] - q[2])^2)) }
curve <- function(score, group, ...) pROC::roc(group, score, levels = c("Good", "Poor"), direction = "<", quiet = TRUE, ...)
area <- function(score, group, level = .95) { r <- curve(score, group); c(as.numeric(ci.auc(r, conf.level = level, method = "delong"))[c(2, 1, 3)], sqrt(var(r, method = "delong"))) }
best <- function(score, group) as.numeric(coords(curve(score, group), "best", ret = c("sensitivity", "specificity"), transpose = FALSE)[1, ])
paired <- function(a, b, group) { t <- roc.test(curve(a, group), curve(b, group), method = "delong", paired = TRUE); c(diff(rev(as.numeric(t$estimate))), t$conf.int, t$statistic, t$p.value) }
rating <- matrix(c(7, 2, 1, 2, 7, 8, 5, 8, 2, 3, 4, 9, 3, 7, 9, 14), 4)
# Fleiss, Cohen & Everitt (1969) eq. 15: standard error where kappa is 0
null_z <- function(x, W) { p <- x / sum(x); r <- rowSums(p); c <- colSums(p); pe <- sum(W * (r %o% c)); wr <- W %*% c; wc <- t(W) %*% r
  s <- 0; for (i in seq_along(r)) for (j in seq_along(c)) s <- s + r[i] * c[j] * (W[i, j] - (wr[i] + wc[j]))^2
  ((sum(W * p) - pe) / (1 - pe)) / sqrt((s - pe^2) / (sum(x) * (1 - pe)^2)) }
cohen <- function(x, w, row) { k <- vcd::Kappa(x, weights = w); ci <- confint(k)[row, ]; c(k[[row]], ci[c("lwr", "upr")]) }
# Fleiss (1971), ten subjects and fourteen raters: counts of five levels
counts <- rbind(c(0, 0, 0, 0, 14), c(0, 2, 6, 4, 2), c(0, 0, 3, 5, 6), c(0, 3, 9, 2, 0), c(2, 2, 8, 1, 1), c(7, 7, 0, 0, 0), c(3, 2, 6, 3, 0), c(2, 5, 3, 2, 2), c(6, 5, 2, 1, 0), c(0, 2, 2, 3, 7))
# irr::kappam.fleiss
fleiss <- function(x) { n <- nrow(x); m <- sum(x[1, ]); p <- colSums(x) / (n * m); q <- 1 - p
  k <- (sum(rowSums(x^2) - m) / (n * m * (m - 1)) - sum(p^2)) / (1 - sum(p^2))
  v <- 2 / (sum(p * q)^2 * (n * m * (m - 1))) * (sum(p * q)^2 - sum(p * q * (q - p)))
  kj <- sapply(seq_along(p), function(j) 1 - sum(x[, j] * (m - x[, j])) / (n * m * (m - 1) * p[j] * q[j]))
  c(kappa = k, z = k / sqrt(v), level = kj, level.z = kj / sqrt(2 / (n * m * (m - 1)))) }
# irrCAC::fleiss.kappa.dist, all subjects with the same number of ratings
gwet <- function(x) { n <- nrow(x); r <- rowSums(x); pi <- colSums(x / r) / n; pe <- sum(pi^2); pa.i <- rowSums(x * (x - 1)) / (r * (r - 1)); k <- (mean(pa.i) - pe) / (1 - pe)
  k.i <- (pa.i - pe) / (1 - pe); pe.i <- as.vector(x %*% pi) / r; k.x <- k.i - 2 * (1 - k) * (pe.i - pe) / (1 - pe)
  se <- sqrt(sum((k.x - k)^2) / (n * (n - 1))); c(k, k - qt(.975, n - 1) * se, min(1, k + qt(.975, n - 1) * se), se) }
# peak expiratory flow of Bland & Altman (1986), two meters
wright <- c(494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
mini <- c(512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)
# Carkeet (2015): the limits are percentiles, their intervals exact two-sided tolerance factors; qt() of R iterates loosely, hence uniroot
nct <- function(p, df, ncp) uniroot(function(q) pt(q, df, ncp) - p, c(-10, 40), tol = 1e-14, maxiter = 10000)$root
bland <- function(d, type) { n <- length(d); m <- mean(d); s <- sd(d); z <- qnorm(.975); q <- qt(.975, n - 1)
  k <- if (type == "exact") c(nct(.025, n - 1, z * sqrt(n)), nct(.975, n - 1, z * sqrt(n))) / sqrt(n) else z + c(-1, 1) * q * sqrt(1 / n + z^2 / (2 * (n - 1)))
  c(m, m - q * s / sqrt(n), m + q * s / sqrt(n), m - z * s, m - k[2] * s, m - k[1] * s, m + z * s, m + k[1] * s, m + k[2] * s) }
# Shrout & Fleiss (1979), table 2: six subjects, four judges
judges <- cbind(c(9, 6, 8, 7, 10, 6), c(2, 1, 4, 1, 5, 2), c(5, 3, 6, 2, 6, 4), c(8, 2, 8, 6, 9, 7))
shrout <- function(i, x = judges) unlist(psych::ICC(x, lmer = FALSE)$results[i, c("ICC", "lower bound", "upper bound", "F", "p")])
# Donner (1979): one-way, clusters of unequal size
unbalanced <- function(y, g) { a <- anova(lm(y ~ factor(g))); k <- table(g); n0 <- (sum(k) - sum(k^2) / sum(k)) / (length(k) - 1); F <- a[1, 4]
  l <- F / qf(.975, a[1, 1], a[2, 1]); u <- F * qf(.975, a[2, 1], a[1, 1]); f <- function(F) (F - 1) / (F + n0 - 1); c(f(F), f(l), f(u), F, a[1, 5]) }

record("acc.diag", "Sensitivity, specificity, PPV, NPV, accuracy, Wilson", "asah", "five(cells(test, poor), wilson)")
record("acc.diag.exact", "The same, Clopper-Pearson", "asah", "five(cells(test, poor), exact)")
record("acc.diag.ratios", "LR+, LR-, DOR", "asah", "ratios(cells(test, poor))")
record("acc.diag.ratios90", "LR+, LR-, DOR, 90%", "typed", "ratios(c(tp = 31, fp = 17, fn = 9, tn = 203), .9)")
record("acc.diag.bayes", "PPV and NPV at a prevalence of 10%", "asah", "bayes(cells(test, poor), .1)")
record("acc.diag.youden", "Youden's index, Newcombe's method 10", "asah", "local({x <- cells(test, poor); newcombe(x[['tp']], x[['tp']] + x[['fn']], x[['fp']], x[['fp']] + x[['tn']])})")
record("acc.diag.women", "Sensitivity to accuracy, women", "asah", "local({w <- asah$gender == 'Female'; five(cells(test[w], poor[w]), wilson)})")
record("acc.roc", "AUC, DeLong", "asah", "with(asah, area(s100b, outcome))", "pROC")
record("acc.roc.ties", "AUC, DeLong, many ties", "asah", "with(asah, area(wfns, outcome))", "pROC")
record("acc.roc.90", "AUC, DeLong, 90%", "asah", "with(asah, area(ndka, outcome, .9))", "pROC")
record("acc.roc.by", "AUC, DeLong, women and men", "asah", "with(asah, c(area(s100b[gender == 'Female'], outcome[gender == 'Female']), area(s100b[gender == 'Male'], outcome[gender == 'Male'])))", "pROC")
record("acc.roc.large", "AUC, DeLong", "rotterdam", "with(rotterdam, area(nodes, ifelse(death == 1, 'Poor', 'Good')))", "pROC")
record("acc.roc.best", "Sensitivity and specificity at the largest Youden index", "asah", "with(asah, c(best(s100b, outcome), best(ndka, outcome), best(wfns, outcome)))", "pROC")
record("acc.roc.paired", "Difference of AUC, paired DeLong test", "asah", "with(asah, paired(s100b, ndka, outcome))", "pROC")
record("acc.roc.paired.ties", "Difference of AUC, paired DeLong test, ties", "asah", "with(asah, paired(wfns, s100b, outcome))", "pROC")
record("acc.kappa", "Kappa", "typed", "cohen(rating, 'Equal-Spacing', 'Unweighted')", "vcd")
record("acc.kappa.linear", "Kappa, linear weights", "typed", "cohen(rating, 'Equal-Spacing', 'Weighted')", "vcd")
record("acc.kappa.quadratic", "Kappa, quadratic weights", "typed", "cohen(rating, 'Fleiss-Cohen', 'Weighted')", "vcd")
record("acc.kappa.z", "Kappa, test of 0: none, linear, quadratic", "typed", "c(null_z(rating, diag(4)), null_z(rating, 1 - abs(outer(1:4, 1:4, '-')) / 3), null_z(rating, 1 - outer(1:4, 1:4, '-')^2 / 9))")
record("acc.kappa.two", "Kappa of two levels", "asah", "cohen(table(test, poor), 'Equal-Spacing', 'Unweighted')", "vcd")
record("acc.kappa.agreement", "Agreement, positive, negative, PABAK, and Graham & Bull's standard errors", "asah", "local({x <- cells(test, poor); a <- x[['tp']]; d <- x[['tn']]; e <- x[['fp']] + x[['fn']]; n <- sum(x); c((a + d) / n, 2 * a / (2 * a + e), 2 * d / (2 * d + e), 2 * (a + d) / n - 1, sqrt(4 * a * e * (a + e) / (2 * a + e)^4), sqrt(4 * d * e * (d + e) / (2 * d + e)^4))})")
record("acc.fleiss", "Fleiss' kappa, z, of levels, their z", "typed", "fleiss(counts)")
record("acc.fleiss.ci", "Fleiss' kappa, Gwet's interval", "typed", "gwet(counts)")
record("acc.bland", "Bland-Altman, exact", "typed", "bland(wright - mini, 'exact')")
record("acc.bland.approximate", "Bland-Altman, approximate", "typed", "bland(wright - mini, 'approximate')")
for (i in 1:6) record(paste0("acc.icc.", c("1", "A1", "C1", "k", "Ak", "Ck")[i]), "Intraclass correlation", "typed", paste0("shrout(", i, ")"), "psych")
record("acc.icc.negative", "Intraclass correlation, agreement, negative", "typed", "shrout(2, cbind(c(1, 4, 2, 5, 3), c(4, 2, 5, 1, 2), c(3, 3, 1, 4, 6)))", "psych")
record("acc.icc.unbalanced", "Intraclass correlation, clusters of unequal size", "apiclus1", "with(apiclus1, unbalanced(api00, dnum))")
finish("accuracy")
