# Restricted means of groups that share clusters or sampling units. Usage: see record.R.
suppressMessages({library(survey); library(survival)})
source("validation/own/record.R")
death <- subset(read("colon"), etype == 2)
death$village <- (death$id - 1) %/% 20; death$region <- death$village %/% 6; death$w <- 1 + (death$id %% 5); death$per.region <- 10
death$rx <- factor(death$rx, c("Obs", "Lev", "Lev+5FU"))
ddeath <- svydesign(id = ~village, strata = ~region, weights = ~w, data = death)
dfpc <- svydesign(id = ~village, strata = ~region, weights = ~w, fpc = ~per.region, data = death)
W <- sapply(1:12, function(r) death$w * (1 + .9 * (-1)^(death$village %/% r + r)))
drep <- svrepdesign(data = death, weights = ~w, repweights = W, combined.weights = TRUE, type = "bootstrap")
s <- c("survey", "survival")
# Influences by residuals.survfit, summed in clusters or as totals of a survey
rmst.shared <- function(w, vcov.of, tau = 1500) { u <- matrix(0, nrow(death), 3); m <- numeric(3)
  for (g in 1:3) { k <- as.integer(death$rx) == g; d <<- cbind(death[k, ], .w = w[k]); f <<- survfit(Surv(time, status) ~ 1, d, weights = .w)
    u[k, g] <- residuals(f, times = tau, type = "rmst"); m[g] <- summary(f, rmean = tau)$table["rmean"] }
  V <- vcov.of(u); se <- function(a) sqrt(drop(a %*% V %*% a)); c(mean = m, se = sqrt(diag(V)), difference = m[2:3] - m[1],
    se = c(se(c(-1, 1, 0)), se(c(-1, 0, 1))), logratio = log(m[2:3] / m[1]), se = c(se(c(-1, 1, 0) / m), se(c(-1, 0, 1) / m))) }
record("own.rmst.cluster", "RMST, groups that share clusters", "colon, deaths", "rmst.shared(rep(1, nrow(death)), function(u) crossprod(rowsum(u, death$village)))", "survival")
record("own.rmst.cluster.weights", "RMST, weights, groups that share clusters", "colon, deaths", "rmst.shared(death$w, function(u) crossprod(rowsum(death$w * u, death$village)))", "survival")
record("own.rmst.survey", "RMST, survey of two stages: vcov(svytotal(influence))", "colon, deaths", "rmst.shared(death$w, function(u) vcov(svytotal(u, ddeath)))", s)
record("own.rmst.survey.fpc", "RMST, survey with a finite population", "colon, deaths", "rmst.shared(death$w, function(u) vcov(svytotal(u, dfpc)))", s)
record("own.rmst.replicates", "RMST, replicate weights: svrVar of refits", "colon, deaths", "local({r <- t(apply(W, 2, function(w) sapply(levels(death$rx), function(g) { d <- death; d$.w <- w; summary(survfit(Surv(time, status) ~ 1, d[d$rx == g, ], weights = .w), rmean = 1500)$table['rmean'] }))); V <- svrVar(r, drep$scale, drep$rscales, mse = FALSE, coef = NULL); sqrt(c(diag(V), c(-1, 1, 0) %*% V %*% c(-1, 1, 0)))})", s)
finish("rmst")
