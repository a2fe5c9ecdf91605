# The first table, weighted, and standardized differences. Usage: see record.R.
suppressMessages(library(survey))
source("validation/own/record.R")
rotterdam <- read("rotterdam"); strat <- read("apistrat"); nhanes <- read("nhanes"); infert <- read("infert")
design <- function(d, w) svydesign(ids = ~1, weights = w, data = d)
quartiles <- function(f, d) { q <- svyquantile(f, d, c(.5, .25, .75), qrule = "math", ci = FALSE, na.rm = TRUE); as.numeric(q[[1]]) }
# levels in alphabetic order, as pandas has them
proportions <- function(x, w) sapply(sort(unique(x), method = "radix"), function(l) weighted.mean(x == l, w))
# cobalt's col_w_smd with weighted.weights for the means and s.d.denom = "pooled" of the unweighted groups
smd_number <- function(x, g, w) { a <- g == sort(unique(g))[1]
  abs(weighted.mean(x[a], w[a]) - weighted.mean(x[!a], w[!a])) / sqrt((var(x[a]) + var(x[!a])) / 2) }
# Yang & Dalton (2012) equation 3, as tableone, with the covariance of the unweighted groups
smd_levels <- function(x, g, w) { a <- g == sort(unique(g))[1]; one <- rep(1, length(w))
  p <- function(k, w) proportions(factor(x)[k], w[k])[-1]
  V <- function(k) { q <- p(k, one); diag(q, length(q)) - q %o% q }
  d <- p(a, w) - p(!a, w); sqrt(drop(d %*% MASS::ginv((V(a) + V(!a)) / 2) %*% d)) }
record("describe.svy.mean", "Weighted mean, SD", "apistrat", "local({d <- design(strat, ~pw); c(svymean(~api00, d), sqrt(svyvar(~api00, d)), svymean(~enroll, d), sqrt(svyvar(~enroll, d)))})", "survey")
record("describe.svy.mean.by", "Weighted mean, SD by group", "apistrat", "local({d <- design(strat, ~pw); unlist(lapply(c('E', 'H', 'M'), function(s) {p <- d[strat$stype == s, ]; c(svymean(~growth, p), sqrt(svyvar(~growth, p)))}))})", "survey")
record("describe.svy.zero", "Weighted mean, SD, rows of weight 0", "apistrat", "local({strat$v <- ifelse(strat$stype == 'H', 0, strat$pw); d <- design(strat, ~v); c(svymean(~api00, d), sqrt(svyvar(~api00, d)))})", "survey")
record("describe.svy.quantile", "Weighted median and quartiles", "apistrat", "local({d <- design(strat, ~pw); c(quartiles(~api00, d), quartiles(~meals, d))})", "survey")
record("describe.svy.quantile.by", "Weighted median and quartiles by group", "apistrat", "local({d <- design(strat, ~pw); unlist(lapply(c('E', 'H', 'M'), function(s) quartiles(~enroll, d[strat$stype == s, ])))})", "survey")
record("describe.svy.quantile.one", "Weighted median and quartiles, weights of 1", "infert", "quartiles(~age, design(infert, ~1))", "survey")
record("describe.svy.quantile.missing", "Weighted median and quartiles, missing values", "nhanes", "quartiles(~HI_CHOL, design(transform(nhanes, HI_CHOL = ifelse(is.na(HI_CHOL), NA, HI_CHOL * 10 + race)), ~WTMEC2YR))", "survey")
record("describe.svy.proportion", "Weighted proportions", "nhanes", "svymean(~factor(race), design(nhanes, ~WTMEC2YR))", "survey")
record("describe.svy.proportion.missing", "Weighted proportion among those known, and missing", "nhanes", "local({d <- design(nhanes, ~WTMEC2YR); c(svymean(~HI_CHOL, d, na.rm = TRUE), svymean(~is.na(HI_CHOL), d)[2])})", "survey")
record("describe.svy.proportion.by", "Weighted proportions by group", "nhanes", "local({d <- design(nhanes, ~WTMEC2YR); unlist(lapply(1:2, function(s) svymean(~factor(agecat), d[nhanes$RIAGENDR == s, ])))})", "survey")
record("describe.kish", "Sum of weights, effective sample size", "rotterdam", "with(rotterdam, unlist(lapply(list(hormon == 0, hormon == 1, TRUE), function(k) c(sum(w[k]), sum(w[k])^2 / sum(w[k]^2)))))")
record("describe.smd.weighted", "Weighted SMD over unweighted pooled SD", "rotterdam", "with(rotterdam, c(age = smd_number(age, hormon, w), nodes = smd_number(nodes, hormon, w), size = smd_levels(size, hormon, w), meno = smd_levels(meno, hormon, w)))")
record("describe.smd.weighted.three", "Weighted SMD over three groups, mean of pairs", "apistrat", "local({p <- combn(c('E', 'H', 'M'), 2, simplify = FALSE); d <- lapply(p, function(k) subset(strat, stype %in% k)); w <- function(x) x$pw * (1 + x$meals / 100); c(api = mean(sapply(d, function(x) smd_number(x$api00, x$stype, w(x)))), awards = mean(sapply(d, function(x) smd_levels(x$awards, x$stype, w(x)))))})")
record("describe.quantile", "Median and quartiles, type 7", "rotterdam", "unlist(lapply(0:1, function(h) quantile(rotterdam$pgr[rotterdam$hormon == h], c(.5, .25, .75))))")
finish("describe")
