rule table:
    input:
        evaluations=ancient(table_evaluations),
        baselines=ancient(table_baselines),
        stale=table_if_stale,
    output:
        md=report(
            "reports/tables/{paper}/{table}.md",
            caption="../report/table.rst",
            category="{paper}",
            subcategory="Tables",
            labels=labelled("tables/{paper}/{table}", "Markdown"),
        ),
        tex="reports/tables/{paper}/{table}.tex",
        csv=report(
            "reports/tables/{paper}/{table}.csv",
            caption="../report/table.rst",
            category="{paper}",
            subcategory="Tables",
            labels=labelled("tables/{paper}/{table}", "data (CSV)"),
        ),
        json="reports/tables/{paper}/{table}.json",
    log:
        text="logs/table/{paper}-{table}.log",
        used="logs/benchmarks/table/{paper}-{table}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid table --plan {params.plan} {wildcards.paper} {wildcards.table} > {log.text} 2>&1"


rule figure:
    input:
        parts=ancient(figure_inputs),
        stale=figure_if_stale,
    output:
        png=report(
            "reports/figures/{paper}/{figure}.png",
            caption="../report/figure.rst",
            category="{paper}",
            subcategory="Figures",
            labels=labelled("figures/{paper}/{figure}"),
        ),
        pdf="reports/figures/{paper}/{figure}.pdf",
        json="reports/figures/{paper}/{figure}.json",
    log:
        text="logs/figure/{paper}-{figure}.log",
        used="logs/benchmarks/figure/{paper}-{figure}.jsonl",
    threads: 1
    resources:
        mem_mb=2000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid figure --plan {params.plan} {wildcards.paper} {wildcards.figure} > {log.text} 2>&1"


rule claims:
    input:
        per_query=ancient(claims_inputs),
        stale=claims_if_stale,
    output:
        md=report(
            "reports/claims/{paper}.md",
            caption="../report/claims.rst",
            category="{paper}",
            subcategory="Claims",
            labels=labelled("claims/{paper}"),
        ),
        tex="reports/claims/{paper}.tex",
        csv="reports/claims/{paper}.csv",
        json="reports/claims/{paper}.json",
        deviations_md=report(
            "reports/deviations/{paper}.md",
            caption="../report/deviations.rst",
            category="{paper}",
            subcategory="Claims",
            labels=labelled("deviations/{paper}"),
        ),
        deviations_tex="reports/deviations/{paper}.tex",
        deviations_json="reports/deviations/{paper}.json",
    log:
        text="logs/claims/{paper}.log",
        used="logs/benchmarks/claims/{paper}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid claims --plan {params.plan} {wildcards.paper} > {log.text} 2>&1"


rule page:
    input:
        parts=page_parts,
        tracking=page_tracking,
        stale=page_if_stale,
    output:
        md=report(
            "reports/{page}.md",
            caption="../report/page.rst",
            category=page_category,
            subcategory="Page",
            labels=labelled("{page}"),
        ),
        tex="reports/{page}.tex",
        csv="reports/{page}.csv",
        json="reports/{page}.json",
    log:
        text="logs/page/{page}.log",
        used="logs/benchmarks/page/{page}.jsonl",
    wildcard_constraints:
        page="all_tables|claims|papers/[a-z_]+",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid page --plan {params.plan} {wildcards.page} > {log.text} 2>&1"


rule index:
    input:
        parts=[f"reports/{part}.json" for part in PLAN.site.parts],
        tracking="reports/tracking.json",
        stale=index_if_stale,
    output:
        html="reports/index.html",
        json="reports/index.json",
    log:
        text="logs/index/index.log",
        used="logs/benchmarks/index/index.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid site --plan {params.plan} > {log.text} 2>&1"


rule run_report:
    input:
        evaluation=ancient(run_evaluation),
        baselines=ancient(run_baselines),
        stale=run_report_if_stale,
    output:
        md="reports/runs/{run}.md",
        json="reports/runs/{run}.json",
        ranks="reports/runs/{run}.png",
        similarities=multiext("reports/runs/{run}.similarities", ".png", ".pdf"),
    log:
        text="logs/run_report/{run}.log",
        used="logs/benchmarks/run_report/{run}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid run report --plan {params.plan} {wildcards.run} > {log.text} 2>&1"


rule audit:
    input:
        features=ancient(run_features),
        index=ancient(run_index),
        splits=ancient(run_splits),
        stale=audit_if_stale,
    output:
        json="reports/audits/{run}/audit.json",
        figure=report(
            "reports/audits/{run}/audit.png",
            caption="../report/audit.rst",
            category=run_category,
            subcategory="Audit",
            labels=labelled("audits/{run}/audit"),
        ),
        pdf="reports/audits/{run}/audit.pdf",
    log:
        text="logs/audit/{run}.log",
        used="logs/benchmarks/audit/{run}.jsonl",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid audit --plan {params.plan} {wildcards.run} > {log.text} 2>&1"


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
        text="logs/track/sync.log",
        used="logs/benchmarks/track/sync.jsonl",
    # MLflow's database or server is where the pipeline was started, not on a cluster's nodes.
    localrule: True
    threads: 1
    resources:
        mem_mb=1500,
    params:
        plan=PLAN_FILE,
    shell:
        "VREID_RECORD={log.used} vreid track sync --plan {params.plan} --lenient > {log.text} 2>&1"
