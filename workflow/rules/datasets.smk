rule render:
    output:
        directory("data/raw/synthetic/{version}"),
    log:
        "logs/render/{version}.log",
    benchmark:
        "logs/benchmarks/render/{version}.tsv"
    threads: decoding_threads
    resources:
        mem_mb=memory(rendering_request),
        runtime=minutes(rendering_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data acquire --plan {params.plan} {wildcards.version}"
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
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data verify --plan {params.plan} {wildcards.version}"
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
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data split --plan {params.plan} {wildcards.version} > {log} 2>&1"


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
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data pack --plan {params.plan} {wildcards.version} {wildcards.size}"
        " --workers {threads} > {log} 2>&1"


rule darken:
    input:
        ancient("data/index/{source}/{version}.parquet"),
    output:
        "data/splits/{source}/{version}-darkened-{digest}.parquet",
    log:
        "logs/darken/{source}/{version}-{digest}.log",
    benchmark:
        "logs/benchmarks/darken/{source}/{version}-{digest}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data darken --plan {params.plan} {wildcards.version} > {log} 2>&1"


rule pack_darkened:
    input:
        raw=ancient(raw_folder),
        index=ancient("data/index/{source}/{version}.parquet"),
        darkened=ancient("data/splits/{source}/{version}-darkened-{digest}.parquet"),
    output:
        directory("data/packed/{source}/{version}-{size}-darkened-{digest}"),
    log:
        "logs/pack/{source}/{version}-{size}-darkened-{digest}.log",
    benchmark:
        "logs/benchmarks/pack/{source}/{version}-{size}-darkened-{digest}.tsv"
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data pack --plan {params.plan} {wildcards.version} {wildcards.size} --darkened"
        " --workers {threads} > {log} 2>&1"


rule sheet:
    input:
        raw=ancient(raw_folder),
        index=ancient(dataset_index),
    output:
        png=report(
            "reports/datasets/{version}.png",
            caption="../report/sheet.rst",
            category="datasets",
            labels=labelled("datasets/{version}", "PNG"),
        ),
        md=report(
            "reports/datasets/{version}.md",
            caption="../report/sheet.rst",
            category="datasets",
            labels=labelled("datasets/{version}", "counts (Markdown)"),
        ),
    log:
        "logs/sheet/{version}.log",
    benchmark:
        "logs/benchmarks/sheet/{version}.tsv"
    threads: 1
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid data show --plan {params.plan} {wildcards.version} > {log} 2>&1"


rule datasets:
    input:
        prepared_datasets,


rule darkened:
    input:
        darkened_datasets,


rule sheets:
    input:
        dataset_sheets,


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
    threads: 1
    resources:
        mem_mb=memory(baselines_request),
        runtime=minutes(baselines_request),
    params:
        plan=PLAN_FILE,
    shell:
        "vreid baselines --plan {params.plan} {wildcards.version} {input.pack} {output} > {log} 2>&1"
