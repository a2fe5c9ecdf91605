# Restricted means and cumulative incidences of groups that share clusters or sampling units. Usage: see record.R.
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
# cumulative incidence: influences of survfit as totals of a survey
pbc <- local({d <- read("pbc"); d$month <- ceiling(d$time / 91); d$w <- 1 + (d$id %% 4); d$center <- d$id %% 25; d$region <- d$center %/% 5; d$per.region <- 8
  d$state <- factor(d$status, 0:2, c("censored", "transplant", "death")); d})
incidence <- function(t, design, w = pbc$w) { u <- list(); p <- list()
  for (g in c("f", "m")) { k <- pbc$sex == g; d <<- cbind(pbc[k, ], .w = w[k]); f <- survfit(Surv(month, state) ~ 1, d, id = id, weights = .w, influence = TRUE)
    j <- findInterval(t, f$time); u[[g]] <- matrix(0, nrow(pbc), 2); u[[g]][k, ] <- f$influence.pstate[, j + 1, -1]; p[[g]] <- f$pstate[j, -1] }
  V <- vcov(svytotal(cbind(u$f, u$m), design)); A <- cbind(-diag(2), diag(2)); c(p = c(p$f, p$m), se = sqrt(diag(V)), difference = p$m - p$f, se = sqrt(diag(A %*% V %*% t(A)))) }
record("own.cif.survey", "CIF and risk difference, survey of centers", "pbc", "incidence(20, svydesign(id = ~center, strata = ~region, weights = ~w, data = pbc))", s)
record("own.cif.survey.fpc", "CIF and risk difference, finite population", "pbc", "incidence(20, svydesign(id = ~center, strata = ~region, weights = ~w, fpc = ~per.region, data = pbc))", s)
record("own.cif.survey.stages", "CIF and risk difference, two stages", "pbc", "incidence(20, svydesign(id = ~center + id, fpc = ~f1 + f2, data = transform(pbc, f1 = 60, f2 = 40)), w = 60 / 25 * 40 / ave(pbc$id, pbc$center, FUN = length))", s)
record("own.cif.replicates", "CIF, jackknife replicates", "pbc", "local({j <- as.svrepdesign(svydesign(id = ~center, strata = ~region, weights = ~w, data = pbc)); r <- t(apply(weights(j, 'analysis'), 2, function(w) { d <<- cbind(pbc, .w = w)[w > 0, ]; f <- survfit(Surv(month, state) ~ 1, d, weights = .w); f$pstate[findInterval(20, f$time), -1] })); sqrt(diag(svrVar(r, j$scale, j$rscales, mse = FALSE, coef = NULL)))})", s)
finish("rmst")
