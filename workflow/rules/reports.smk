rule table:
    input:
        evaluations=ancient(table_evaluations),
        baselines=ancient(table_baselines),
        stale=table_if_stale,
    output:
        md="reports/tables/{paper}/{table}.md",
        tex="reports/tables/{paper}/{table}.tex",
        csv="reports/tables/{paper}/{table}.csv",
        json="reports/tables/{paper}/{table}.json",
    log:
        "logs/table/{paper}-{table}.log",
    benchmark:
        "logs/benchmarks/table/{paper}-{table}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid table --plan {params.plan} {wildcards.paper} {wildcards.table} > {log} 2>&1"


rule page:
    input:
        parts=page_tables,
        tracking="reports/tracking.json",
        stale=page_if_stale,
    output:
        md="reports/{page}.md",
        tex="reports/{page}.tex",
        csv="reports/{page}.csv",
        json="reports/{page}.json",
    log:
        "logs/page/{page}.log",
    benchmark:
        "logs/benchmarks/page/{page}.tsv"
    wildcard_constraints:
        page="all_tables|papers/[a-z_]+",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid page --plan {params.plan} {wildcards.page} > {log} 2>&1"


rule run_report:
    input:
        evaluation=ancient(run_evaluation),
        baselines=ancient(run_baselines),
        stale=run_report_if_stale,
    output:
        md="reports/runs/{run}.md",
        json="reports/runs/{run}.json",
        ranks="reports/runs/{run}.png",
    log:
        "logs/run_report/{run}.log",
    benchmark:
        "logs/benchmarks/run_report/{run}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid run report --plan {params.plan} {wildcards.run} > {log} 2>&1"


rule audit:
    input:
        features=ancient("runs/{run}/features/rows.npy"),
        index=ancient(run_index),
        splits=ancient(run_splits),
        stale=audit_if_stale,
    output:
        json="reports/audits/{run}/audit.json",
        figure="reports/audits/{run}/audit.png",
    log:
        "logs/audit/{run}.log",
    benchmark:
        "logs/benchmarks/audit/{run}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid audit --plan {params.plan} {wildcards.run} > {log} 2>&1"


rule audits:
    input:
        expand("reports/audits/{run}/audit.json", run=PLAN.audits),


rule track:
    input:
        evaluations=ancient(all_evaluations),
        stale=tracking_if_stale,
    output:
        "reports/tracking.json",
    log:
        "logs/track/sync.log",
    benchmark:
        "logs/benchmarks/track/sync.tsv"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        plan=PLAN_FILE,
    shell:
        "vreid track sync --plan {params.plan} --lenient > {log} 2>&1"
