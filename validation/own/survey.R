# Sample surveys and robust variances. Usage: see record.R.
suppressMessages({library(survey); library(clubSandwich); library(sandwich)})
source("validation/own/record.R")
nh <- read("nhanes"); c1 <- read("apiclus1"); c2 <- read("apiclus2"); st <- read("apistrat"); ohio <- read("ohio"); dietox <- read("dietox"); colon <- read("colon"); infert <- read("infert")
colon$village <- (colon$id - 1) %/% 20; colon$region <- colon$village %/% 6  # an invented design of two stages
colon$w <- 1 + (colon$id %% 5); colon$f1 <- 90; colon$f2 <- 80
dnh <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nh)
dcol <- svydesign(id = ~village, strata = ~region, weights = ~w, data = colon)
dcol2 <- svydesign(id = ~village + id, fpc = ~f1 + f2, data = subset(colon, etype == 1))
dst <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = st, fpc = ~fpc)
dc1 <- svydesign(id = ~dnum, weights = ~pw, data = c1, fpc = ~fpc)
dc2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = c2)
tight <- list(epsilon = 1e-14, maxit = 100)
s <- c("survey")
ci <- function(design, formula, method) { r <- svyciprop(formula, design, method = method); c(est = as.numeric(r), attr(r, "ci")) }
# R inverts a spline through the profile; here the same bound by roots of the deviance itself
exact_likelihood <- function(design, formula) {
  m <- svyglm(formula, design, family = quasibinomial, control = tight); p <- plogis(coef(m)); w <- m$prior.weights; y <- m$y
  bound <- qt(.975, degf(design))^2 * m$cov.unscaled[1, 1] / m$naive.cov[1, 1] * sum(w * (y - p)^2 / (p * (1 - p))) / (length(y) - 1)
  dev <- function(q) -2 * sum(w * (y * log(q / p) + (1 - y) * log((1 - q) / (1 - p)))) - bound
  c(p, uniroot(dev, c(1e-9, p), tol = 1e-15)$root, uniroot(dev, c(p, 1 - 1e-9), tol = 1e-15)$root) }
known <- function(design, name) eval(bquote(subset(design, !is.na(.(as.name(name))))))
for (m in c("logit", "beta", "asin", "mean")) record(paste0("own.svy.colon.", m), "svyciprop", "colon, villages in regions", sprintf("ci(known(dcol, 'nodes'), ~I(nodes > 4), '%s')", m), s)
for (m in c("xlogit", "beta")) record(paste0("own.svy.strat.", m), "svyciprop", "apistrat", sprintf("ci(dst, ~I(sch.wide == 'Yes'), '%s')", m), s)
for (m in c("xlogit", "beta", "asin")) record(paste0("own.svy.clus2.", m), "svyciprop, two stages", "apiclus2", sprintf("ci(dc2, ~I(awards == 'Yes'), '%s')", m), s)
record("own.svy.likelihood.nhanes", "Scaled profile likelihood, by roots", "nhanes", "exact_likelihood(known(dnh, 'HI_CHOL'), HI_CHOL ~ 1)", s)
record("own.svy.likelihood.colon", "Scaled profile likelihood, by roots", "colon", "exact_likelihood(known(dcol, 'nodes'), I(nodes > 4) ~ 1)", s)
record("own.svy.by.ci", "svyby of svyciprop, domains", "nhanes", "local({b <- svyby(~HI_CHOL, ~race + agecat, known(dnh, 'HI_CHOL'), svyciprop, vartype = 'ci', method = 'beta'); c(coef(b), b$ci_l, b$ci_u)})", s)
record("own.svy.two.stage", "svymean, two stages without strata", "colon", "c(coef(svymean(~nodes, dcol2, na.rm = TRUE)), SE(svymean(~nodes, dcol2, na.rm = TRUE)))", s)
record("own.svy.two.stage.total", "svytotal, two stages", "apiclus2", "c(coef(svytotal(~enroll, dc2, na.rm = TRUE)), SE(svytotal(~enroll, dc2, na.rm = TRUE)))", s)
record("own.svy.two.stage.domain", "svymean of domains, two stages", "apiclus2", "local({b <- svyby(~api00, ~stype, dc2, svymean); c(coef(b), SE(b))})", s)
record("own.svy.fraction", "fpc given as a fraction", "apistrat", "local({d <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~I(c(E = 100, H = 50, M = 50)[stype] / fpc), data = st); c(coef(svymean(~api00, d)), SE(svymean(~api00, d)))})", s)
record("own.svy.lonely.nested", "lonely PSU at the first stage of a clustered design", "colon", "local({options(survey.lonely.psu = 'adjust'); d <- svydesign(id = ~village, strata = ~region, weights = ~w, data = subset(colon, !(region == 1 & village > 6))); r <- c(coef(svymean(~nodes, d, na.rm = TRUE)), SE(svymean(~nodes, d, na.rm = TRUE))); options(survey.lonely.psu = 'average'); r <- c(r, SE(svymean(~nodes, d, na.rm = TRUE))); options(survey.lonely.psu = 'certainty'); r <- c(r, SE(svymean(~nodes, d, na.rm = TRUE))); options(survey.lonely.psu = 'fail'); r})", s)
record("own.svy.quantile", "svyquantile of domains", "nhanes and colon", "local({q <- svyby(~age, ~rx, subset(dcol, etype == 1), svyquantile, quantiles = .5, interval.type = 'mean'); c(q$age, q$se.age)})", s)
record("own.svy.quantile.colon", "svyquantile", "colon", "c(svyquantile(~time, dcol, c(.1, .5, .9), interval.type = 'mean')$time[, 1:4])", s)
record("own.svy.chisq", "Rao-Scott F", "nhanes", "local({r <- svychisq(~HI_CHOL + race, dnh); c(r$statistic, r$parameter, p = r$p.value)})", s)
record("own.svy.chisq.colon", "Rao-Scott F", "colon", "local({r <- svychisq(~differ + rx, dcol); c(r$statistic, r$parameter, p = r$p.value)})", s)
record("own.svy.ratio.by", "svyratio of domains", "apistrat", "local({b <- svyby(~api.stu, ~stype, denominator = ~enroll, dst, svyratio); c(coef(b), SE(b))})", s)
record("own.svy.total.by", "svytotal of domains", "apiclus1", "local({b <- svyby(~enroll, ~stype, dc1, svytotal); c(coef(b), SE(b))})", s)
record("own.svy.jackknife", "as.svrepdesign JK1, JKn, svymean", "apiclus1, apistrat, nhanes", "local({a <- as.svrepdesign(dc1); b <- as.svrepdesign(svydesign(id = ~1, strata = ~stype, weights = ~pw, data = st)); e <- as.svrepdesign(dnh); c(SE(svymean(~api00, a)), SE(svymean(~api00, b)), SE(svymean(~HI_CHOL, e, na.rm = TRUE)), degf(a), degf(b), degf(e))})", s)
record("own.svy.replicates", "svrepdesign with given weights: BRR, Fay, bootstrap, JK1", "nhanes", "local({h <- nh$SDMVPSU; k <- nh$SDMVSTRA; W <- sapply(1:12, function(r) nh$WTMEC2YR * (1 + .9 * (-1)^(h + k %/% r + r))); f <- function(...) SE(svymean(~HI_CHOL, svrepdesign(data = nh, weights = ~WTMEC2YR, repweights = W, combined.weights = TRUE, ...), na.rm = TRUE)); c(f(type = 'BRR'), f(type = 'Fay', rho = .3), f(type = 'bootstrap'), f(type = 'JK1'), f(type = 'BRR', mse = TRUE))})", s)
cl <- c("clubSandwich")
cr <- function(m, cluster, kinds) unlist(lapply(kinds, function(k) { ct <- coef_test(m, vcov = k, cluster = cluster, test = 'Satterthwaite'); c(ct$SE, if (k == 'CR2') ct$df_Satt) }))
record("own.cr.ohio", "CR2 with df, CR3, logistic", "ohio", "cr(glm(resp ~ age * smoke, binomial, ohio, control = tight), ohio$id, c('CR2', 'CR3'))", cl)
record("own.cr.weighted", "CR2 with df, CR3, logistic with weights", "colon", "local({d <- subset(colon, etype == 1 & !is.na(nodes)); m <- suppressWarnings(glm(status ~ nodes + sex, binomial, d, weights = w, control = tight)); cr(m, d$village, c('CR2', 'CR3'))})", cl)
record("own.cr.poisson", "CR2 with df, CR3, Poisson", "colon", "local({d <- subset(colon, etype == 2 & !is.na(nodes)); m <- glm(status ~ nodes + sex, poisson, d, control = tight); cr(m, d$village, c('CR2', 'CR3'))})", cl)
record("own.cr.lm.weighted", "CR2 with df, weighted least squares", "colon", "local({d <- subset(colon, etype == 1 & !is.na(nodes)); m <- lm(nodes ~ age + sex, d, weights = w); cr(m, d$village, c('CR2', 'CR3'))})", cl)
record("own.hc3", "HC3, logistic", "infert", "local({m <- glm(case ~ spontaneous + induced, binomial, infert, control = tight); sqrt(diag(vcovHC(m, type = 'HC3')))})", "sandwich")
finish("survey")
