# Several conditions in one person. Usage: see record.R.
source("validation/own/record.R")
rotterdam <- read("rotterdam"); infert <- read("infert")
# five conditions of a patient of the Rotterdam tumor bank
r <- with(rotterdam, data.frame(meno = meno, chemo = chemo, hormon = hormon, recur = recur, death = death))
number <- rowSums(r)
# three of a woman of infert (miscarriages, abortions, and being a case), by education
i <- with(infert, data.frame(spontaneous = 1 * (spontaneous > 0), induced = 1 * (induced > 0), case = case))
pairs <- function(d, f) { k <- combn(names(d), 2); sapply(seq_len(ncol(k)), function(j) f(table(factor(d[[k[1, j]]], 1:0), factor(d[[k[2, j]]], 1:0)))) }
# log(observed / expected) = log p11 - log p1. - log p.1: variance g' S g of the multinomial (Agresti 2013, 16.1)
oe <- function(x) { n <- sum(x); p <- c(t(x)) / n; a <- p[1] + p[2]; b <- p[1] + p[3]
  g <- c(1 / p[1] - 1 / a - 1 / b, -1 / a, -1 / b, 0); S <- (diag(p) - p %o% p) / n
  e <- log(p[1] / (a * b)); exp(e + c(0, -1, 1) * qnorm(.975) * sqrt(drop(t(g) %*% S %*% g))) }
phi <- function(x) { m <- cbind(rep(1:0, rowSums(x)), c(rep(1:0, x[1, ]), rep(1:0, x[2, ]))); cor(m)[1, 2] }
record("own.multi.counts", "People with 0 to 5 conditions", "rotterdam", "table(number)")
record("own.multi.two", "Two or more conditions, Wilson", "rotterdam", "local({x <- prop.test(sum(number >= 2), length(number), correct = FALSE); c(x$estimate, x$conf.int)})")
record("own.multi.mean", "Mean number of conditions by education, t.test", "infert", "sapply(split(rowSums(i), factor(infert$education, c('0-5yrs', '6-11yrs', '12+ yrs'))), function(x) c(mean(x), t.test(x)$conf.int))")
record("own.pairs.oe", "Observed / expected with interval, ten pairs", "rotterdam", "pairs(r, oe)")
record("own.pairs.p", "chisq.test of ten pairs", "rotterdam", "pairs(r, function(x) chisq.test(x, correct = FALSE)$p.value)")
record("own.pairs.bh", "p.adjust of ten pairs", "rotterdam", "p.adjust(pairs(r, function(x) chisq.test(x, correct = FALSE)$p.value), 'BH')")
record("own.pairs.phi", "phi as the correlation of 0/1", "rotterdam", "pairs(r, phi)")
record("own.pairs.or", "Odds ratio of the counts", "infert", "pairs(i, function(x) x[1, 1] * x[2, 2] / (x[1, 2] * x[2, 1]))")
record("own.pairs.expected", "chisq.test(...)$expected", "infert", "pairs(i, function(x) chisq.test(x)$expected[1, 1])")
record("own.pairs.fisher", "fisher.test where few are expected: 3 of 8 and 4 of 40 have the other", "3, 5, 4, 36", "fisher.test(matrix(c(3, 5, 4, 36), 2, byrow = TRUE))$p.value")
record("own.pairs.none", "Upper limit of observed 0 over expected 2.4, exact Poisson", "0, 8, 12, 20", "poisson.test(0)$conf.int[2] / (8 * 12 / 40)")
finish("multimorbidity")
