rule render:
    output:
        directory("data/raw/synthetic/{version}"),
    log:
        text="logs/render/{version}.log",
        used="logs/benchmarks/render/{version}.jsonl",
    threads: decoding_threads
    resources:
        mem_mb=memory(rendering_request),
        runtime=minutes(rendering_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data acquire --plan {params.plan} {wildcards.version}"
        " --workers {threads} > {log.text} 2>&1"


rule verify:
    input:
        ancient(raw_folder),
    output:
        index="data/index/{source}/{version}.parquet",
        report="data/index/{source}/{version}.json",
    log:
        text="logs/verify/{source}/{version}.log",
        used="logs/benchmarks/verify/{source}/{version}.jsonl",
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data verify --plan {params.plan} {wildcards.version}"
        " --workers {threads} > {log.text} 2>&1"


rule split:
    input:
        ancient("data/index/{source}/{version}.parquet"),
    output:
        "data/splits/{source}/{version}-{digest}.parquet",
    log:
        text="logs/split/{source}/{version}-{digest}.log",
        used="logs/benchmarks/split/{source}/{version}-{digest}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data split --plan {params.plan} {wildcards.version} > {log.text} 2>&1"


rule pack:
    input:
        raw=ancient(raw_folder),
        index=ancient("data/index/{source}/{version}.parquet"),
    output:
        directory("data/packed/{source}/{version}-{size}"),
    log:
        text="logs/pack/{source}/{version}-{size}.log",
        used="logs/benchmarks/pack/{source}/{version}-{size}.jsonl",
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data pack --plan {params.plan} {wildcards.version} {wildcards.size}"
        " --workers {threads} > {log.text} 2>&1"


rule darken:
    input:
        ancient("data/index/{source}/{version}.parquet"),
    output:
        "data/splits/{source}/{version}-darkened-{digest}.parquet",
    log:
        text="logs/darken/{source}/{version}-{digest}.log",
        used="logs/benchmarks/darken/{source}/{version}-{digest}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data darken --plan {params.plan} {wildcards.version} > {log.text} 2>&1"


rule pack_darkened:
    input:
        raw=ancient(raw_folder),
        index=ancient("data/index/{source}/{version}.parquet"),
        darkened=ancient("data/splits/{source}/{version}-darkened-{digest}.parquet"),
    output:
        directory("data/packed/{source}/{version}-{size}-darkened-{digest}"),
    log:
        text="logs/pack/{source}/{version}-{size}-darkened-{digest}.log",
        used="logs/benchmarks/pack/{source}/{version}-{size}-darkened-{digest}.jsonl",
    threads: decoding_threads
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data pack --plan {params.plan} {wildcards.version} {wildcards.size} --darkened"
        " --workers {threads} > {log.text} 2>&1"


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
        text="logs/sheet/{version}.log",
        used="logs/benchmarks/sheet/{version}.jsonl",
    threads: 1
    resources:
        mem_mb=memory(decoding_request),
        runtime=minutes(decoding_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid data show --plan {params.plan} {wildcards.version} > {log.text} 2>&1"


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
        text="logs/baselines/{source}/{version}-{size}-{digest}.log",
        used="logs/benchmarks/baselines/{source}/{version}-{size}-{digest}.jsonl",
    threads: 1
    resources:
        mem_mb=memory(baselines_request),
        runtime=minutes(baselines_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid baselines --plan {params.plan} {wildcards.version} {input.pack} {output} > {log.text} 2>&1"
