package io.flux.embedded;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.ModelParameters;

/** {@link BundledEngine}'s command line, in llama-completion's words. */
final class EngineOptions {
    final ModelParameters model = new ModelParameters()
            .setCtxSize(0)
            .setParallel(1)
            .enableFlashAttn()
            .skipWarmup()
            .disableContextShift();
    String promptFile = "/dev/stdin";
    int tokens = -1;
    boolean countTokens;
    String jsonSchema;
    String grammar;

    private boolean named;
    private Float temperature;
    private Integer topK;
    private Float topP;
    private Float minP;
    private Integer seed;

    private EngineOptions() {}

    /** @throws IllegalArgumentException for a flag that it does not know, or a value that the flag does not take */
    static EngineOptions parse(String[] args) {
        EngineOptions options = new EngineOptions();
        for (int i = 0; i < args.length; i++) {
            String flag = args[i];
            if (isSwitch(flag)) {
                continue;
            }
            if (flag.equals("--count-tokens")) {
                options.countTokens = true;
                continue;
            }
            if (i + 1 == args.length) {
                throw new IllegalArgumentException("invalid argument: ".concat(flag));
            }
            try {
                options.set(flag, args[++i]);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("invalid value for " + flag + ": " + args[i], e);
            }
        }
        if (!options.named) {
            throw new IllegalArgumentException("-m is missing: the GGUF file of the model");
        }
        return options;
    }

    /** They ask llama-completion for what this program does anyway. */
    private static boolean isSwitch(String flag) {
        return switch (flag) {
            case "-no-cnv",
                    "--no-conversation",
                    "--no-display-prompt",
                    "--no-escape",
                    "--simple-io",
                    "--no-context-shift",
                    "--no-warmup" -> true;
            default -> false;
        };
    }

    private void set(String flag, String value) {
        switch (flag) {
            case "-m", "--model" -> {
                model.setModel(value);
                named = true;
            }
            case "-f", "--file" -> promptFile = value;
            case "-n", "--predict", "--n-predict" -> tokens = atLeastOne(Integer.parseInt(value));
            case "-c", "--ctx-size" -> model.setCtxSize(Integer.parseInt(value));
            case "-t", "--threads" -> model.setThreads(Integer.parseInt(value));
            case "-tb", "--threads-batch" -> model.setThreadsBatch(Integer.parseInt(value));
            case "--poll" -> model.setPoll(Integer.parseInt(value));
            case "--temp" -> temperature = Float.valueOf(value);
            case "--top-k" -> topK = Integer.valueOf(value);
            case "--top-p" -> topP = Float.valueOf(value);
            case "--min-p" -> minP = Float.valueOf(value);
            case "-s", "--seed" -> seed = (int) Long.parseLong(value);
            case "-j", "--json-schema" -> jsonSchema = value;
            case "--grammar" -> grammar = value;
            default -> throw new IllegalArgumentException("invalid argument: ".concat(flag));
        }
    }

    private static int atLeastOne(int tokens) {
        if (tokens == 0) {
            throw new IllegalArgumentException("-n 0 generates nothing; it must be at least 1, or -1 for no limit");
        }
        return tokens;
    }

    InferenceParameters inference(String prompt) {
        InferenceParameters inference = new InferenceParameters(prompt).setNPredict(tokens);
        if (temperature != null) {
            inference.setTemperature(temperature);
        }
        if (topK != null) {
            inference.setTopK(topK);
        }
        if (topP != null) {
            inference.setTopP(topP);
        }
        if (minP != null) {
            inference.setMinP(minP);
        }
        if (seed != null) {
            inference.setSeed(seed);
        }
        if (grammar != null) {
            // What was asked before must not be counted as read.
            inference.setGrammar(grammar).setCachePrompt(false);
        }
        return inference;
    }
}
