# What every script beside this one uses: `record` notes a reference value, `finish` writes them.
# Usage, in the project's folder: Rscript validation/own/TOPIC.R   writes validation/own/TOPIC.csv
rows <- list()
versions <- function(...) paste(c(paste("R", getRversion()), sapply(c(...), function(p) paste(p, packageVersion(p)))), collapse = "; ")
read <- function(name) read.csv(file.path("validation/data", paste0(name, ".csv")))
record <- function(id, estimator, dataset, command, packages = c()) {
  value <- unlist(eval(parse(text = command), envir = globalenv()))
  name <- names(value); if (is.null(name)) name <- rep("", length(value))
  for (i in seq_along(value)) rows[[length(rows) + 1]] <<- data.frame(id = id, estimator = estimator, dataset = dataset,
    command = command, versions = versions(packages), name = name[i], value = sprintf("%.15g", as.numeric(value[i])))
}
finish <- function(topic) write.csv(do.call(rbind, rows), file.path("validation/own", paste0(topic, ".csv")), row.names = FALSE)
