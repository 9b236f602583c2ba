rule train:
    input:
        ancient(run_pack),
    output:
        config="runs/{run}/config.json",
        model="runs/{run}/model.safetensors",
        history="runs/{run}/history.parquet",
        provenance="runs/{run}/run.json",
    log:
        text="logs/train/{run}.log",
        used="logs/benchmarks/train/{run}.jsonl",
        events="runs/{run}/events.jsonl",  # a log outlives a failed job
    threads: 1
    resources:
        mem_mb=memory(training_request),
        runtime=minutes(training_request),
        gpu=1,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid run train --plan {params.plan} {wildcards.run} > {log.text} 2>&1"


rule extract:
    input:
        pack=ancient(tested_pack),
        model=ancient("runs/{run}/model.safetensors"),
    output:
        before_neck="runs/{run}/features{images}/before_neck.npy",
        after_neck="runs/{run}/features{images}/after_neck.npy",
        before_neck_mirrored="runs/{run}/features{images}/before_neck_mirrored.npy",
        after_neck_mirrored="runs/{run}/features{images}/after_neck_mirrored.npy",
        rows="runs/{run}/features{images}/rows.npy",
    log:
        text="logs/extract/{run}{images}.log",
        used="logs/benchmarks/extract/{run}{images}.jsonl",
    threads: 1
    resources:
        mem_mb=memory(extraction_request),
        runtime=minutes(extraction_request),
        gpu=1,
    params:
        plan=PLAN_FILE,
        images=tested_images,
    shell:
        "VREID_RECORD={log.used} vreid run extract --plan {params.plan} {wildcards.run} --images {params.images} > {log.text} 2>&1"


rule evaluate:
    input:
        features=ancient(tested_features),
        index=ancient(tested_index),
        splits=ancient(tested_splits),
    output:
        evaluation="runs/{run}/eval-{digest}/evaluation.json",
        per_query="runs/{run}/eval-{digest}/per_query.parquet",
    log:
        text="logs/evaluate/{run}-{digest}.log",
        used="logs/benchmarks/evaluate/{run}-{digest}.jsonl",
    threads: 1
    resources:
        mem_mb=memory(evaluation_request),
        runtime=minutes(evaluation_request),
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid run evaluate --plan {params.plan} {wildcards.run}"
        " --evaluation eval-{wildcards.digest} > {log.text} 2>&1"
