# Likelihood ratio tests of surveys and of imputed data sets. Usage: see record.R.
suppressMessages({library(survey); library(mitml)})
source("validation/own/record.R")
pkg <- c("survey", "mitml")
nhanes <- read("nhanes"); nhanes <- nhanes[!is.na(nhanes$HI_CHOL), ]; lung5 <- read("lung_completed")
nhanes$race <- factor(nhanes$race); nhanes$agecat <- factor(nhanes$agecat)
lung5$dead <- lung5$status - 1; lung5$ecog <- factor(pmin(round(lung5$ph.ecog), 2))
tight <- list(epsilon = 1e-14, maxit = 100)
NHANES <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes)
survey_test <- function(family, term) { m <- svyglm(HI_CHOL ~ race + agecat + RIAGENDR, NHANES, family = family, control = tight)
  small <- update(m, as.formula(paste(". ~ . -", term))); i <- grep(term, names(coef(m)))
  lambda <- eigen(solve(m$naive.cov[i, i]) %*% vcov(m)[i, i], only.values = TRUE)$values; x <- deviance(small) - deviance(m)
  ndf <- sum(lambda)^2 / sum(lambda^2); F <- x / sum(lambda)
  c(F = F, df = length(i), ddf = m$df.residual, p = pf(F, ndf, m$df.residual, lower.tail = FALSE)) }
pooled_test <- function(larger, smaller) { fits <- function(f) lapply(split(lung5, lung5$.imp), function(d) glm(f, binomial, d, control = tight))
  r <- testModels(fits(larger), fits(smaller), method = "D2", use = "likelihood")$test; r[1, 1:4] }

record("own.lrt.survey.race", "Rao-Scott likelihood ratio test, as regTermTest(LRT, satterthwaite)", "nhanes", "survey_test(quasibinomial(), 'race')", pkg)
record("own.lrt.survey.age", "Rao-Scott likelihood ratio test", "nhanes", "survey_test(quasibinomial(), 'agecat')", pkg)
record("own.lrt.survey.poisson", "Rao-Scott likelihood ratio test, Poisson", "nhanes", "survey_test(quasipoisson(), 'race')", pkg)
record("own.lrt.survey.check", "p of regTermTest itself", "nhanes", "regTermTest(svyglm(HI_CHOL ~ race + agecat + RIAGENDR, NHANES, family = quasibinomial(), control = tight), ~race, method = 'LRT', lrt.approximation = 'satterthwaite')$p", pkg)
record("own.lrt.pooled.ecog", "D2 of likelihood ratio tests", "lung_completed", "pooled_test(dead ~ age + sex + ecog, dead ~ age + sex)", pkg)
record("own.lrt.pooled.two", "D2 of likelihood ratio tests", "lung_completed", "pooled_test(dead ~ age + sex + wt.loss + meal.cal, dead ~ age + sex)", pkg)
finish("likelihood_ratio")
