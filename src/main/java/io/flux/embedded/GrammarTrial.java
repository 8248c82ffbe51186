package io.flux.embedded;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out whether llama.cpp understands a grammar. When it does not, it says so on stderr, which a Java program cannot
 * read of itself, and answers as if there were none. So it is asked for a text that only a root of ours makes, which comes
 * before the grammar's own: it is answered exactly when all of the grammar was understood.
 */
final class GrammarTrial {
    /** As llama-completion says it. */
    static final String REFUSED = "llama_completion: failed to parse grammar";

    private static final Pattern ROOT = Pattern.compile("^[ \\t]*root[ \\t]*::=", Pattern.MULTILINE);
    private static final String PROOF = "~!~";

    private GrammarTrial() {}

    /**
     * What is wrong with a grammar, in llama-completion's words; null when it is understood. A rule that begins with itself
     * is not found here: {@link EngineLog#endlessGrammar} knows.
     *
     * @param log the model's, with nothing in it that will be asked for
     */
    static String problem(String grammar, LlamaModel model, EngineLog log) throws IOException {
        Matcher root = ROOT.matcher(grammar);
        if (!root.find()) {
            return "grammar does not contain a 'root' symbol\n" + REFUSED;
        }
        // The empty text ends a last rule that is open to one more alternative.
        String proving = root.replaceAll("flux-asked-root ::=").stripTrailing() + " \"\"\nroot ::= \"" + PROOF
                + "\" flux-asked-root\n";
        String answer = model.complete(
                new InferenceParameters("?").setNPredict(PROOF.length()).setGrammar(proving));
        log.skipRun();
        return answer.startsWith(PROOF) ? null : REFUSED;
    }
}
