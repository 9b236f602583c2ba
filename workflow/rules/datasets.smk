rule render:
    output:
        directory("data/raw/synthetic/{version}"),
    log:
        "logs/render/{version}.log",
    benchmark:
        "logs/benchmarks/render/{version}.tsv"
    threads: workflow.cores
    shell:
        "vreid data acquire --plan {PLAN_FILE} {wildcards.version}"
        " --workers {threads} > {log} 2>&1"


rule verify:
    input:
        ancient(raw_folder),
    output:
        index="data/index/{source}/{version}.parquet",
        report="data/index/{source}/{version}.json",
    log:
        "logs/verify/{source}/{version}.log",
    benchmark:
        "logs/benchmarks/verify/{source}/{version}.tsv"
    threads: workflow.cores
    shell:
        "vreid data verify --plan {PLAN_FILE} {wildcards.version}"
        " --workers {threads} > {log} 2>&1"


rule split:
    input:
        ancient("data/index/{source}/{version}.parquet"),
    output:
        "data/splits/{source}/{version}-{digest}.parquet",
    log:
        "logs/split/{source}/{version}-{digest}.log",
    benchmark:
        "logs/benchmarks/split/{source}/{version}-{digest}.tsv"
    shell:
        "vreid data split --plan {PLAN_FILE} {wildcards.version} > {log} 2>&1"


rule pack:
    input:
        raw=ancient(raw_folder),
        index=ancient("data/index/{source}/{version}.parquet"),
    output:
        directory("data/packed/{source}/{version}-{size}"),
    log:
        "logs/pack/{source}/{version}-{size}.log",
    benchmark:
        "logs/benchmarks/pack/{source}/{version}-{size}.tsv"
    threads: workflow.cores
    shell:
        "vreid data pack --plan {PLAN_FILE} {wildcards.version} {wildcards.size}"
        " --workers {threads} > {log} 2>&1"


rule baselines:
    input:
        index=ancient("data/index/{source}/{version}.parquet"),
        splits=ancient(dataset_splits),
        pack=ancient("data/packed/{source}/{version}-{size}"),
    output:
        "data/baselines/{source}/{version}-{size}-{digest}.json",
    log:
        "logs/baselines/{source}/{version}-{size}-{digest}.log",
    benchmark:
        "logs/benchmarks/baselines/{source}/{version}-{size}-{digest}.tsv"
    shell:
        "vreid baselines --plan {PLAN_FILE} {wildcards.version} {input.pack} {output} > {log} 2>&1"
