# Survey designs and clusters in survival. Usage: see record.R.
suppressMessages({library(survey); library(survival)})
source("validation/own/record.R")
colon <- read("colon"); heart <- read("heart")
colon$village <- (colon$id - 1) %/% 20; colon$region <- colon$village %/% 6  # an invented design of two stages
colon$w <- 1 + (colon$id %% 5); colon$f1 <- 90; colon$f2 <- 80; colon$per.region <- 10; colon$rx <- factor(colon$rx, c("Obs", "Lev", "Lev+5FU"))
heart$w <- 1 + .5 * (heart$age > 0)
tight <- coxph.control(eps = 1e-13, iter.max = 50, toler.chol = 1e-15)
death <- subset(colon, etype == 2); first <- subset(colon, etype == 1)
dcol <- svydesign(id = ~village, strata = ~region, weights = ~w, data = colon)
ddeath <- svydesign(id = ~village, strata = ~region, weights = ~w, data = death)
dfpc <- svydesign(id = ~village, strata = ~region, weights = ~w, fpc = ~per.region, data = death)
dtwo <- svydesign(id = ~village + id, fpc = ~f1 + f2, data = first)
dheart <- svydesign(id = ~id, strata = ~surgery, weights = ~w, data = heart)
W <- sapply(1:12, function(r) death$w * (1 + .9 * (-1)^(death$village %/% r + r)))
drep <- svrepdesign(data = death, weights = ~w, repweights = W, combined.weights = TRUE, type = "bootstrap")
both <- function(m) c(coef(m), se = sqrt(diag(vcov(m))))
s <- c("survey", "survival")

record("own.svy.cox.domain", "svycoxph, domain, strata, missing covariates; then its confint and degf", "colon", "local({m <- svycoxph(Surv(time, status) ~ rx + nodes + strata(sex), subset(dcol, etype == 2), control = tight); c(both(m), confint(m), degf(subset(dcol, etype == 2 & !is.na(nodes))))})", s)
record("own.svy.cox.fpc", "svycoxph, strata and fpc, Breslow", "colon, deaths", "both(svycoxph(Surv(time, status) ~ rx + age + nodes, dfpc, method = 'breslow', control = tight))", s)
record("own.svy.cox.two.stage", "svycoxph, two stages with fpc", "colon, recurrence", "both(svycoxph(Surv(time, status) ~ rx + differ, dtwo, control = tight))", s)
record("own.svy.cox.entry", "svycoxph, late entry", "heart", "both(svycoxph(Surv(start, stop, event) ~ age + year, dheart, control = tight))", s)
record("own.svy.cox.loglik", "log-likelihood of svycoxph, weights of mean 1", "heart", "svycoxph(Surv(start, stop, event) ~ age + year, dheart, control = tight)$ll", s)
# svycoxph itself refits with default tolerances, gives rows without weight 1e-10 (here they are left out), and loses
# the place of the weights where covariates are missing (it looks for na.action in a model frame it did not keep)
refits <- function(d, W, ...) t(apply(W, 2, function(w) { d$.w <- w; coef(coxph(Surv(time, status) ~ rx + nodes, subset(d, .w > 0), weights = .w, control = tight, ...)) }))
record("own.svy.cox.replicates", "svrVar of refits, replicate weights", "colon, deaths", "local({m <- svycoxph(Surv(time, status) ~ rx + nodes, drep, control = tight); c(coef(m), sqrt(diag(svrVar(refits(death, W), drep$scale, drep$rscales, mse = FALSE, coef = coef(m)))))})", s)
record("own.svy.cox.replicates.r", "svycoxph, replicate weights", "colon, deaths", "both(svycoxph(Surv(time, status) ~ rx + nodes, subset(drep, !is.na(nodes)), control = tight))", s)
record("own.svy.cox.jackknife", "svrVar of refits, jackknife JKn: rows of weight 0", "colon, deaths", "local({j <- as.svrepdesign(ddeath); r <- refits(death, weights(j, 'analysis')); sqrt(diag(svrVar(r, j$scale, j$rscales, mse = FALSE, coef = NULL)))})", s)

at <- function(s, times) { r <- summary(s, times = times); c(r$surv, r$std.err, r$lower, r$upper) }
record("own.km.cluster", "survfit with clusters", "colon, deaths", "at(survfit(Surv(time, status) ~ 1, death, cluster = village, robust = TRUE, conf.type = 'log-log'), c(500, 1000, 2000))", "survival")
record("own.km.cluster.weights", "survfit with clusters and weights, by groups", "colon, deaths", "at(survfit(Surv(time, status) ~ rx, death, cluster = village, weights = w, robust = TRUE, conf.type = 'log'), c(500, 2000))", "survival")
record("own.km.entry.cluster", "survfit, late entry, clusters", "heart", "at(survfit(Surv(start, stop, event) ~ 1, heart, cluster = id, robust = TRUE, conf.type = 'log-log'), c(50, 100, 300))", "survival")
record("own.km.entry.cluster.by", "survfit, late entry, clusters and weights, by groups", "heart", "at(survfit(Surv(start, stop, event) ~ transplant, heart, cluster = id, weights = w, robust = TRUE, conf.type = 'log'), c(50, 100))", "survival")
record("own.fh", "survfit stype = 2", "colon, deaths", "at(survfit(Surv(time, status) ~ 1, death, stype = 2, ctype = 1, conf.type = 'log-log'), c(500, 1000, 2000))", "survival")
# the robust std.err of survfit(stype = 2) is that of log S, and its limits take it for that of S: std.chaz is right
record("own.fh.cluster", "survfit stype = 2 with clusters and weights, std.chaz", "colon, deaths", "local({r <- summary(survfit(Surv(time, status) ~ 1, death, stype = 2, ctype = 1, cluster = village, weights = w, robust = TRUE), times = c(500, 1000, 2000)); h <- qnorm(.975) * r$std.chaz; c(r$surv, r$surv * r$std.chaz, r$surv * exp(-h), r$surv * exp(h))})", "survival")
kms <- function(formula, d, times) { k <- svykm(formula, d, se = TRUE); unlist(lapply(if (inherits(k, "svykm")) list(k) else k, function(k) { i <- findInterval(times, k$time); c(k$surv[i], sqrt(k$varlog[i]), confint(k, times)) })) }
record("own.svy.km.by", "svykm of domains, with confint", "colon, deaths", "kms(Surv(time, status) ~ rx, ddeath, c(500, 1000, 2000))", s)
record("own.svy.km.fpc", "svykm, strata and fpc", "colon, deaths", "kms(Surv(time, status) ~ 1, dfpc, c(500, 1000, 2000))", s)
record("own.svy.km.two.stage", "svykm, two stages with fpc", "colon, recurrence", "kms(Surv(time, status) ~ 1, dtwo, c(500, 1000, 2000))", s)
# svykm has standard errors for exp(-H) only; for the product limit: its S, and svyrecvar of survfit's influence
product_limit <- function(formula, d, times) { v <- d$variables; v$.w <- weights(d, "sampling"); v$.row <- seq_len(nrow(v)); f <- survfit(formula, v, weights = .w, influence = 1, robust = TRUE, cluster = .row); i <- findInterval(times, f$time)
  c(f$surv[i], sqrt(diag(svyrecvar(as.matrix(f$influence.surv[, i]), d$cluster, d$strata, d$fpc)))) }
record("own.svy.pl", "product limit of svykm(se = FALSE)", "colon, deaths", "local({k <- svykm(Surv(time, status) ~ 1, dfpc); k$surv[findInterval(c(500, 1000, 2000), k$time)]})", s)
record("own.svy.pl.se", "product limit, svyrecvar of survfit's influence", "colon, deaths", "product_limit(Surv(time, status) ~ 1, dfpc, c(500, 1000, 2000))", s)
record("own.svy.pl.entry", "product limit, late entry, svyrecvar of survfit's influence", "heart", "product_limit(Surv(start, stop, event) ~ 1, dheart, c(50, 100, 300))", s)
record("own.svy.pl.replicates", "withReplicates of survfit", "colon, deaths", "local({r <- withReplicates(drep, function(w, data) { data$.w <- w; summary(survfit(Surv(time, status) ~ 1, data, weights = .w), times = c(500, 1000, 2000))$surv }); c(coef(r), SE(r))})", s)

rate <- function(r, se, df) { h <- qt(.975, df) * se / r; c(r, se / r, r * exp(-h), r * exp(h)) }
rates <- function(d, f, levels) unlist(lapply(levels, function(g) { sub <- d[d$variables[[f]] == g, ]; r <- svyratio(~status, ~time, sub); rate(coef(r), SE(r), degf(sub)) }))
record("own.rate.cluster", "svyratio with clusters, log interval", "colon, deaths", "local({d <- svydesign(id = ~village, weights = ~1, data = death); r <- svyratio(~status, ~time, d); rate(coef(r), SE(r), degf(d))})", s)
record("own.rate.cluster.by", "svyratio of domains with clusters", "colon, deaths", "rates(svydesign(id = ~village, weights = ~1, data = death), 'sex', 0:1)", s)
record("own.rate.design", "svyratio of domains", "colon, deaths", "rates(dfpc, 'rx', levels(death$rx))", s)
record("own.rate.two.stage", "svyratio, two stages with fpc", "colon, recurrence", "local({r <- svyratio(~status, ~time, dtwo); rate(coef(r), SE(r), degf(dtwo))})", s)
record("own.rate.missing", "svyratio, missing groups stay in the design", "colon", "rates(subset(dcol, etype == 2 & !is.na(differ)), 'differ', 1:3)", s)
record("own.rate.replicates", "svyratio, replicate weights", "colon, deaths", "local({r <- svyratio(~status, ~time, drep); rate(coef(r), SE(r), degf(drep))})", s)
finish("survival_design")
