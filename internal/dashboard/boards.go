package dashboard

// chosen selects by what the board's variables say.
const chosen = `{namespace=~"$namespace",service=~"$service"}`

// Boards are those that ship, by file name.
func Boards() map[string]Board {
	return map[string]Board{"services.json": services(), "gateways.json": gateways(), "promises.json": promises()}
}

func services() Board {
	of := func(metric string) string {
		return "max by (namespace, service) (flyball_service_" + metric + chosen + ")"
	}
	const name = "{{namespace}}/{{service}}"
	return Board{
		UID: "flyball-services", Title: "Flyball: services", Metric: "flyball_service_reason",
		Rows: [][]Panel{
			{
				{
					Title: "Services by reason", Help: "Why services have the replicas that they have (flyball status explains each).", Unit: "short", Stacked: true,
					Queries: []Query{{"count by (reason) (flyball_service_reason" + chosen + ")", "{{reason}}"}},
				},
				{
					Title: "Warnings", Help: "What the controller warns about; the service's Events have the text.", Unit: "short",
					Queries: []Query{{"sum by (namespace, service, warning) (flyball_service_warning" + chosen + ")", name + " {{warning}}"}},
				},
			},
			{
				{
					Title: "Replicas by state", Help: "Pods without a node, starting, ready and draining.", Unit: "short", Stacked: true,
					Queries: []Query{{"sum by (state) (flyball_service_replicas" + chosen + ")", "{{state}}"}},
				},
				{
					Title: "Desired replicas", Help: "What each Deployment asks for.", Unit: "short",
					Queries: []Query{{of("desired_replicas"), name}, {of("max_replicas"), name + " maximum"}},
				},
			},
			{
				{
					Title: "Held requests", Help: "Requests that wait at the gateways for a pod.", Unit: "short",
					Queries: []Query{{of("held_requests"), name}},
				},
				{
					Title: "Links behind", Help: "For how long a link of the chain has not followed the one before it.", Unit: "s",
					Queries: []Query{{"max by (link) (flyball_service_behind_seconds" + chosen + ")", "{{link}}"}},
				},
			},
			{
				{
					Title: "Decisions", Help: "Reconciliations, by what was decided.", Unit: "ops",
					Queries: []Query{{"sum by (action) (rate(flyball_decisions_total[5m]))", "{{action}}"}},
				},
				{
					Title: "Applies", Help: "What became of the decisions.", Unit: "ops",
					Queries: []Query{{"sum by (outcome) (rate(flyball_applies_total[5m]))", "{{outcome}}"}},
				},
				{
					Title: "Leaders and gateways", Help: "Controllers that lead, which should be one, and gateways that report.", Unit: "short",
					Queries: []Query{
						{`sum(leader_election_master_status{name="flyball-controller"})`, "leaders"}, {"max(flyball_gateways)", "gateways"},
					},
				},
			},
		},
	}
}

func gateways() Board {
	rate := func(by, metric string) string {
		return "sum by (" + by + ") (rate(flyball_gateway_" + metric + chosen + "[5m]))"
	}
	sum := func(metric string) string {
		return "sum by (namespace, service) (flyball_gateway_" + metric + chosen + ")"
	}
	quantile := func(q, metric string) string {
		return "histogram_quantile(" + q + ", " + rate("le", metric+"_seconds_bucket") + ")"
	}
	latency := func(title, help, metric string) Panel {
		return Panel{Title: title, Help: help, Unit: "s", Queries: []Query{{quantile("0.5", metric), "p50"}, {quantile("0.9", metric), "p90"}, {quantile("0.99", metric), "p99"}}}
	}
	const name = "{{namespace}}/{{service}}"
	return Board{
		UID: "flyball-gateways", Title: "Flyball: gateways", Metric: "flyball_gateway_arrivals_total",
		Rows: [][]Panel{
			{
				{Title: "Arrivals", Help: "Requests that ask for work.", Unit: "reqps", Queries: []Query{{rate("namespace, service", "arrivals_total"), name}}},
				{Title: "Ended requests by outcome", Help: "How requests ended.", Unit: "reqps", Stacked: true, Queries: []Query{{rate("outcome", "requests_total"), "{{outcome}}"}}},
			},
			{
				{Title: "Held", Help: "Requests that wait for a pod.", Unit: "short", Queries: []Query{{sum("held_requests"), name}}},
				{Title: "In flight", Help: "Requests that pods answer now.", Unit: "short", Queries: []Query{{sum("in_flight_requests"), name}}},
				{Title: "Memory", Help: "Memory that requests take.", Unit: "bytes", Queries: []Query{{"sum(flyball_gateway_request_bytes)", "all"}, {sum("held_bytes"), name + " held"}}},
			},
			{
				latency("Time held", "Time that requests waited for a pod.", "hold"),
				latency("First byte", "Time from a request to the first byte of its answer.", "first_byte"),
				latency("Whole request", "Time from a request to its end.", "request"),
			},
			{
				{Title: "Tokens", Help: "Estimated tokens of prompts, and of answers that are expected.", Unit: "short", Queries: []Query{
					{rate("namespace, service", "input_tokens_total"), name + " prompt"}, {rate("namespace, service", "expected_output_tokens_total"), name + " answer"},
				}},
				{Title: "Retries and ejections", Help: "Attempts at another pod, and pods that got no requests for a while.", Unit: "ops", Queries: []Query{
					{rate("namespace, service", "retries_total"), name + " retries"}, {rate("namespace, service", "ejections_total"), name + " ejections"},
				}},
				{Title: "In flight by pod", Help: "How evenly requests are spread.", Unit: "short", Queries: []Query{{"sum by (pod) (flyball_gateway_pod_in_flight_requests" + chosen + ")", "{{pod}}"}}},
			},
		},
	}
}

func promises() Board {
	share := func(window string) string {
		rate := func(metric string) string {
			return "sum by (namespace, service) (rate(flyball_scaler_" + metric + "_total" + chosen + "[" + window + "]))"
		}
		return "1 - " + rate("missed_requests") + " / (" + rate("requests") + " > 0)"
	}
	of := func(metric string) string {
		return "max by (namespace, service) (flyball_scaler_" + metric + chosen + ")"
	}
	const name = "{{namespace}}/{{service}}"
	return Board{
		UID: "flyball-promises", Title: "Flyball: promises", Metric: "flyball_scaler_promised_ratio",
		Rows: [][]Panel{
			{
				{
					Title: "Attained", Help: "Share of the requests of ten minutes that met all objectives, and what is promised.", Unit: "percentunit",
					Queries: []Query{{share("10m"), name}, {of("promised_ratio"), name + " promised"}},
				},
			},
			{
				{
					Title: "Replicas asked for", Help: "What KEDA is told.", Unit: "short",
					Queries: []Query{{of("desired_replicas"), name}},
				},
				{
					Title: "Requests", Help: "Requests that were judged by the objectives, and those that missed one.", Unit: "reqps",
					Queries: []Query{
						{"sum by (namespace, service) (rate(flyball_scaler_requests_total" + chosen + "[5m]))", name},
						{"sum by (namespace, service) (rate(flyball_scaler_missed_requests_total" + chosen + "[5m]))", name + " missed"},
					},
				},
			},
			{
				{
					Title: "Age of decisions", Help: "How old the decisions are when KEDA is told them, median and p99.", Unit: "s",
					Queries: []Query{
						{"histogram_quantile(0.5, sum by (le) (rate(flyball_scaler_decision_age_seconds_bucket[5m])))", "p50"},
						{"histogram_quantile(0.99, sum by (le) (rate(flyball_scaler_decision_age_seconds_bucket[5m])))", "p99"},
					},
				},
				{
					Title: "Answers to KEDA", Help: "By gRPC code.", Unit: "ops",
					Queries: []Query{{"sum by (code) (rate(flyball_scaler_answers_total[5m]))", "{{code}}"}},
				},
			},
		},
	}
}
