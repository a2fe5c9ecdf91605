# Case-cohort samples, nested case-control samples, weights for censoring. Usage: see record.R.
suppressMessages(library(survival))
source("validation/own/record.R")
# the fits inside cch, solved to the end: its functions see this coxph
tight <- coxph.control(eps = 1e-13, iter.max = 100, toler.chol = 1e-15)
sampled <- new.env(parent = asNamespace("survival"))
sampled$coxph <- function(...) { mc <- match.call(expand.dots = TRUE); mc[[1]] <- quote(survival::coxph); mc$iter.max <- NULL; mc$control <- quote(survival::coxph.control(eps = 1e-13, iter.max = 100, toler.chol = 1e-15)); eval(mc, parent.frame()) }
for (f in c("cch", "Prentice", "SelfPrentice", "LinYing", "I.Borgan", "II.Borgan")) { g <- getFromNamespace(f, "survival"); environment(g) <- sampled; assign(f, g, envir = sampled) }
cch <- sampled$cch

mgus <- read("mgus2cr"); mgus$pcm <- as.numeric(mgus$ev == "pcm"); mgus$dead <- as.numeric(mgus$ev == "death")
mgus <- subset(mgus, !is.na(mspike) & etime > 0)
mgus$sub <- mgus$id %% 5 == 0; mgus$sex <- factor(mgus$sex); mgus$exit.age <- mgus$age + mgus$etime / 12; mgus$era <- ifelse(mgus$dxyr < 1980, "early", "late")
mgus$sub.era <- ifelse(mgus$era == "early", mgus$id %% 4 == 0, mgus$id %% 7 == 0)
sample.of <- function(member, happened) mgus[member | happened == 1, ]
both <- function(f) c(coef(f), se = sqrt(diag(f$var)))
n <- nrow(mgus)
s <- "survival"
for (m in c("Prentice", "SelfPrentice", "LinYing"))
  record(paste0("own.cch.mgus.", m), paste("cch", m), "mgus2, malignancy, every 5th in the subcohort",
    sprintf("both(cch(Surv(etime, pcm) ~ age + sex + mspike, sample.of(mgus$sub, mgus$pcm), subcoh = ~sub, id = ~id, cohort.size = n, method = '%s'))", m), s)
for (m in c("SelfPrentice", "LinYing", "Prentice"))
  record(paste0("own.cch.entry.", m), paste("cch", m, "late entry (age)"), "mgus2, malignancy, age from 50 on",
    sprintf("local({d <- subset(sample.of(mgus$sub, mgus$pcm), age >= 50); both(cch(Surv(age, exit.age, pcm) ~ sex + mspike, d, subcoh = ~sub, id = ~id, cohort.size = sum(mgus$age >= 50), method = '%s'))})", m), s)
for (m in c("I.Borgan", "II.Borgan"))
  record(paste0("own.cch.strata.", m), paste("cch", m), "mgus2, malignancy, sampled by era",
    sprintf("both(cch(Surv(etime, pcm) ~ age + sex + mspike, sample.of(mgus$sub.era, mgus$pcm), subcoh = ~sub.era, id = ~id, stratum = ~era, cohort.size = table(mgus$era), method = '%s'))", m), s)
record("own.cch.one.covariate", "cch, one covariate, many ties", "mgus2, death", "both(cch(Surv(etime, dead) ~ mspike, sample.of(mgus$sub, mgus$dead), subcoh = ~sub, id = ~id, cohort.size = n, method = 'LinYing'))", s)
record("own.cch.all", "cch, everybody in the subcohort", "mgus2, malignancy", "both(cch(Surv(etime, pcm) ~ age + mspike, transform(mgus, sub = TRUE), subcoh = ~sub, id = ~id, cohort.size = n, method = 'Prentice'))", s)

# probability of each person to be a control, written out (Samuelsen 1997)
ever <- function(d, entry, exit, event, m, alike) { p <- ifelse(event == 1, 1, 0); missed <- rep(1, nrow(d))
  for (i in which(event == 1)) { e <- which(entry < exit[i] & exit >= exit[i] & !(exit == exit[i] & event == 1) & alike(i)); k <- min(m, length(e)); missed[e] <- missed[e] * (1 - k / length(e)) }
  ifelse(event == 1, 1, 1 - missed) }
some <- c(1, 2, 3, 50, 100, 500, 1000, 1300)
report <- function(p) c(p[some], sum = sum(p), squares = sum(p^2))
everybody <- function(i) TRUE
record("own.ncc.plain", "probability to be sampled, 2 controls", "mgus2, malignancy", "report(ever(mgus, -1, mgus$etime, mgus$pcm, 2, everybody))")
record("own.ncc.matched", "probability to be sampled, 3 controls, matched by sex and age within 3 years", "mgus2, malignancy", "report(ever(mgus, -1, mgus$etime, mgus$pcm, 3, function(i) mgus$sex == mgus$sex[i] & abs(mgus$age - mgus$age[i]) <= 3))")
record("own.ncc.age", "probability to be sampled, age scale, 1 control of the same sex", "mgus2, malignancy", "report(ever(mgus, mgus$age, mgus$exit.age, mgus$pcm, 1, function(i) mgus$sex == mgus$sex[i]))")
# a sample by rule: all cases, others where id %% 5 == 0, with these weights
weighted <- function(d, p, formula) { d$w <- 1 / p; d <- d[d$pcm == 1 | (d$id %% 5 == 0 & p > 0), ]; f <- coxph(formula, d, weights = w, robust = TRUE, control = tight); c(coef(f), se = sqrt(diag(vcov(f)))) }
record("own.ncc.weighted", "coxph, inverse probability weights of Samuelsen", "mgus2, malignancy", "weighted(mgus, ever(mgus, -1, mgus$etime, mgus$pcm, 2, everybody), Surv(etime, pcm) ~ age + sex + mspike)", s)
# sets with all who are eligible are the risk sets: clogit of them is a Cox model (stratified by what is matched)
sets <- function(d, alike) do.call(rbind, lapply(which(d$pcm == 1), function(i) { e <- which(d$etime >= d$etime[i] & !(d$etime == d$etime[i] & d$pcm == 1) & alike(i)); cbind(d[c(i, e), c("age", "sex", "mspike", "hgb")], case = c(1, rep(0, length(e))), set = i) }))
record("own.ncc.clogit.all", "clogit of whole risk sets", "mgus2, malignancy", "local({f <- clogit(case ~ age + mspike + strata(set), sets(mgus, everybody), control = tight); c(coef(f), se = sqrt(diag(vcov(f))))})", s)
record("own.ncc.clogit.matched", "clogit of whole risk sets, matched by sex and age within 2 years", "mgus2, malignancy", "local({f <- clogit(case ~ mspike + strata(set), sets(mgus, function(i) mgus$sex == mgus$sex[i] & abs(mgus$age - mgus$age[i]) <= 2), control = tight); c(coef(f), se = sqrt(diag(vcov(f))))})", s)

# loss: in the colon trial those followed less than 2500 days without the event
colon <- read("colon"); death <- subset(colon, etype == 2); death$rx <- factor(death$rx, c("Obs", "Lev", "Lev+5FU"))
death$lost <- as.numeric(death$status == 0 & death$time < 2500)
ipcw <- function(d, formula, cuts, stabilize = TRUE) {
  l <- survSplit(Surv(time, status) ~ ., d, cut = cuts, start = "entry", end = "time", event = "status")
  l$lost <- ifelse(l$time == d$time[match(l$id, d$id)], l$lost, 0)
  f <- coxph(update(Surv(entry, time, lost) ~ ., formula), l, ties = "breslow", control = tight)
  h <- predict(f, type = "expected"); if (stabilize) { b <- basehaz(coxph(Surv(entry, time, lost) ~ 1, l, ties = "breslow")); H <- function(t) c(0, b$hazard)[findInterval(t, b$time) + 1]; h <- h - (H(l$time) - H(l$entry)) }
  l$w <- exp(ave(h, l$id, FUN = function(x) cumsum(c(0, x[-length(x)])))); l }
age.rx <- ~ age + rx
record("own.ipcw.loss", "coxph of loss", "colon, deaths", "local({f <- coxph(Surv(time, lost) ~ age + rx, death, ties = 'breslow', control = tight); c(coef(f), se = sqrt(diag(vcov(f))))})", s)
record("own.ipcw.weights", "stabilized weights at the start of episodes", "colon, deaths", "local({w <- ipcw(death, age.rx, c(1900, 2000, 2200, 2400))$w; c(sum(w), sum(w^2), range(w))})", s)
record("own.ipcw.unstabilized", "weights at the start of episodes", "colon, deaths", "local({w <- ipcw(death, age.rx, c(1900, 2000, 2200, 2400), FALSE)$w; c(sum(w), sum(w^2), range(w))})", s)
record("own.ipcw.cox", "coxph weighted, robust variance by person", "colon, deaths", "local({f <- coxph(Surv(entry, time, status) ~ rx, ipcw(death, age.rx, c(1900, 2000, 2200, 2400)), weights = w, cluster = id, control = tight); c(coef(f), se = sqrt(diag(vcov(f))))})", s)
record("own.ipcw.cox.all.cuts", "coxph weighted, weights change at every loss", "colon, deaths", "local({f <- coxph(Surv(entry, time, status) ~ rx, ipcw(death, age.rx, sort(unique(death$time[death$lost == 1]))), weights = w, cluster = id, control = tight); c(coef(f), se = sqrt(diag(vcov(f))))})", s)
record("own.ipcw.km", "survfit weighted, clusters", "colon, deaths", "local({r <- summary(survfit(Surv(entry, time, status) ~ 1, ipcw(death, age.rx, c(1900, 2000, 2200, 2400)), weights = w, cluster = id, robust = TRUE, conf.type = 'log-log'), times = c(1000, 2000, 2500)); c(r$surv, r$std.err)})", s)
finish("samples")
