# Likelihoods of interval-censored times, for intervals.R and ../framingham.R.
# flexsurv is no package of Debian: its likelihood (Royston & Parmar 2002, their basis) is written out and solved to the end.
# Turnbull (1976): EM on the innermost intervals, until the Kuhn-Tucker conditions hold; (l, r], or exact
em <- function(l, r, w = rep(1, length(l)), tolerance = 1e-11) {
  ends <- sort(unique(c(l, r))); q <- p <- c()
  for (i in seq_along(ends)) { x <- ends[i]
    if (any(l == x & r == x)) { q <- c(q, x); p <- c(p, x) }
    if (i < length(ends) && any(l == x & r > x) && any(r == ends[i + 1])  && !any(l == ends[i + 1] & r == ends[i + 1])) { q <- c(q, x); p <- c(p, ends[i + 1]) } }
  A <- outer(seq_along(l), seq_along(q), Vectorize(function(i, j) ifelse(q[j] == p[j] & l[i] < r[i], l[i] < q[j] & p[j] <= r[i], l[i] <= q[j] & p[j] <= r[i])))
  s <- rep(1 / length(q), length(q)); N <- sum(w)
  for (k in 1:400000) { g <- drop(crossprod(A, w / drop(A %*% s))); s <- s * g / N; if (k %% 100 == 0) { s[s < 1e-13] <- 0; s <- s / sum(s); if (max(g) - N < tolerance * N) break } }
  list(lower = q, upper = p, mass = s, loglik = sum(w * log(drop(A %*% s))), gap = max(drop(crossprod(A, w / drop(A %*% s)))) - N)
}
# S at times outside the innermost intervals
S <- function(f, t) sapply(t, function(u) { stopifnot(f$gap < 1e-8); 1 - sum(f$mass[f$upper <= u]) })

basis <- function(x, k) { a <- k[1]; b <- k[length(k)]; B <- cbind(1, x)
  for (m in k[-c(1, length(k))]) { L <- (b - m) / (b - a); B <- cbind(B, pmax(x - m, 0)^3 - L * pmax(x - a, 0)^3 - (1 - L) * pmax(x - b, 0)^3) }; B }
slopes <- function(x, k) { a <- k[1]; b <- k[length(k)]; B <- cbind(0, rep(1, length(x)))
  for (m in k[-c(1, length(k))]) { L <- (b - m) / (b - a); B <- cbind(B, 3 * (pmax(x - m, 0)^2 - L * pmax(x - a, 0)^2 - (1 - L) * pmax(x - b, 0)^2)) }; B }
royston_parmar <- function(l, r, X, inside, entry = rep(0, length(l)), w = rep(1, length(l)), cluster = NULL) {
  X <- as.matrix(X); l <- pmax(l, entry); event <- is.finite(r); exact <- l == r; n <- length(l)
  k <- quantile(log((l + r) / 2)[event], seq(0, 1, length.out = inside + 2), names = FALSE)
  at <- function(t) { z <- t > 0 & is.finite(t); Z <- cbind(basis(log(ifelse(z, t, 1)), k), X); Z[!z, ] <- 0; list(Z = Z, on = z) }
  a <- at(ifelse(exact, 0, l)); b <- at(r); e <- at(entry); D <- slopes(log(ifelse(event, r, 1)), k); D <- cbind(D, matrix(0, n, ncol(X)))
  H <- function(z, th) ifelse(z$on, exp(drop(z$Z %*% th)), 0)
  rows <- function(th) { Ha <- H(a, th); Hb <- H(b, th); s <- drop(D %*% th)
    ifelse(exact, log(Hb) - Hb + log(ifelse(exact, s, 1)) - log(ifelse(exact, r, 1)), ifelse(event, log(pmax(exp(-Ha) - exp(-Hb), 0)), -Ha)) + H(e, th) }
  scores <- function(th) { Ha <- H(a, th); Hb <- H(b, th); s <- drop(D %*% th); P <- exp(-Ha) - exp(-Hb)
    va <- ifelse(exact, 0, ifelse(event, -exp(-Ha) / P, -1)) * Ha; vb <- ifelse(exact, 1 - Hb, ifelse(event, exp(-Hb) / P * Hb, 0))
    va * a$Z + vb * b$Z + H(e, th) * e$Z + ifelse(exact, 1 / s, 0) * D }
  th <- c(log(sum(event) / sum(ifelse(event, (l + r) / 2, l))), 1, rep(0, inside + ncol(X)))
  minus <- function(th) { v <- suppressWarnings(-sum(w * rows(th))); if (is.finite(v)) v else 1e10 }
  gradient <- function(th) colSums(w * scores(th))
  th <- optim(th, minus, function(th) -gradient(th), method = "BFGS", control = list(maxit = 2000, reltol = 1e-14))$par
  for (i in 1:8) th <- th - solve(jacobian(gradient, th), gradient(th))
  stopifnot(max(abs(gradient(th))) < 1e-6)
  V <- solve(-jacobian(gradient, th)); u <- w * scores(th); if (!is.null(cluster)) u <- rowsum(u, cluster)
  beta <- inside + 2 + seq_len(ncol(X))
  list(coef = th[beta], se = sqrt(diag(V))[beta], robust = sqrt(diag(V %*% crossprod(u) %*% V))[beta], loglik = -minus(th), th = th, V = V,
    curve = function(x, t) { Z <- cbind(basis(log(t), k), matrix(x, length(t), length(x), byrow = TRUE)); eta <- drop(Z %*% th); s <- sqrt(rowSums((Z %*% V) * Z)); z <- qnorm(.975)
      c(S = exp(-exp(eta)), se = exp(-exp(eta)) * exp(eta) * s, low = exp(-exp(eta + z * s)), high = exp(-exp(eta - z * s))) })
}
of <- function(f, ...) c(coef = f$coef, se = f$se, loglik = f$loglik, ...)
# survreg's Weibull as a hazard model: beta = -b / scale
weibull_ph <- function(m) { b <- coef(m)[-1]; s <- m$scale; p <- length(b); V <- vcov(m); i <- c(1 + seq_len(p), p + 2)
  J <- cbind(diag(-1 / s, p), b / s); c(coef = -b / s, se = sqrt(diag(J %*% V[i, i] %*% t(J))), loglik = m$loglik[2], shape = 1 / s, log_rate = -coef(m)[[1]] / s) }
tight <- survreg.control(rel.tolerance = 1e-14, maxiter = 300)
na_left <- function(l) ifelse(l == 0, NA, l); na_right <- function(r) ifelse(is.finite(r), r, NA)
