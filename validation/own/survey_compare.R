# Comparisons and trends with survey designs. Usage: see record.R.
suppressMessages(library(survey))
source("validation/own/record.R")
nh <- read("nhanes"); c1 <- read("apiclus1"); colon <- read("colon")
colon$village <- (colon$id - 1) %/% 20; colon$region <- colon$village %/% 6; colon$w <- 1 + (colon$id %% 5)
dnh <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nh)
dcol <- svydesign(id = ~village, strata = ~region, weights = ~w, data = colon)
dc1 <- svydesign(id = ~dnum, weights = ~pw, data = c1, fpc = ~fpc)
tight <- list(epsilon = 1e-14, maxit = 100)
first <- function(m, k) { b <- coef(m)[k]; s <- SE(m)[k]; q <- qt(.975, m$df.residual); c(b, s, b - q * s, b + q * s, t = b / s, df = m$df.residual) }
glm3 <- function(formula, design, k) list(first(svyglm(formula, design, family = quasipoisson(), control = tight), k), first(svyglm(formula, design), k), first(svyglm(formula, design, family = quasibinomial(), control = tight), k))
s <- "survey"
record("own.svy.compare.nhanes", "svyglm of one factor: log, identity, logit", "nhanes race 2 against 1", "glm3(HI_CHOL ~ factor(race), dnh, 2)", s)
record("own.svy.compare.colon", "svyglm of one factor: log, identity, logit", "colon differ 3 against 1", "glm3(I(nodes > 4) ~ factor(differ), dcol, 3)", s)
record("own.svy.compare.clus1", "svyglm of one factor: log, identity, logit", "apiclus1 awards by stype M against E", "glm3(I(awards == 'Yes') ~ stype, dc1, 3)", s)
record("own.svy.trend.nhanes", "svyglm of the score; regTermTest of what is left", "nhanes", "local({nh2 <- update(dnh, s = c('(0,19]' = 1, '(19,39]' = 2, '(39,59]' = 3, '(59,Inf]' = 4)[agecat]); m <- svyglm(HI_CHOL ~ s, nh2); d <- svyglm(HI_CHOL ~ s + factor(agecat), nh2); r <- regTermTest(svyglm(HI_CHOL ~ s + I(s == 3) + I(s == 4), nh2), ~I(s == 3) + I(s == 4)); c(first(m, 2), r$Ftest[1], r$df, r$ddf, r$p)})", s)
record("own.svy.trend.colon", "svyglm of the score", "colon", "local({m <- svyglm(I(nodes > 4) ~ differ, dcol); r <- regTermTest(svyglm(I(nodes > 4) ~ differ + I(differ == 3), dcol), ~I(differ == 3)); c(first(m, 2), r$Ftest[1], r$df, r$ddf, r$p)})", s)
finish("survey_compare")
