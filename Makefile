# The verbs of the project. CI calls the same.

.PHONY: help run test check dist bench-agent agent-size faults fuzz bench-suggestion bench-pages demo-fleet screenshots

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

run: ## build, start a hub and this machine's agent, say where to look
	@scripts/run.sh

test: ## every test; installs what it needs
	@scripts/test.sh

check: ## formatting, clippy, dependencies, docs
	@scripts/check.sh

dist: ## the static agent, as it is shipped: target/dist/sigma-agent
	@scripts/dist.sh

bench-agent: ## what one agent costs its machine
	@scripts/bench-agent.sh

agent-size: ## what the file of the static agent is made of
	@scripts/agent-size.sh

bench-suggestion: ## how often the suggested provider is right, on made fleets of 500 machines
	@cargo test --quiet --package sigma-api --lib suggestion::proof -- --nocapture --test-threads 1

bench-pages: ## size and time to first byte of each page at 10,000 machines
	@scripts/bench-pages.sh

demo-fleet: ## a hub with 200 simulated machines at 12 providers; FLEET="--setup-only" and others go to the program
	@scripts/demo-fleet.sh $(FLEET)

faults: ## the faults that the hub must survive, at full size
	@scripts/faults.sh

fuzz: ## fuzz every parser; FUZZ_SECONDS=3600 make fuzz for a long run
	@scripts/fuzz.sh

screenshots: ## a picture of every page, in light, dark and on a telephone: target/screenshots/
	@scripts/screenshots.sh
