package io.flux.job;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How a conversation becomes the text that a model was trained on. The one place where templates live; a model names
 * the one it needs with {@code FLUX_TEMPLATE}.
 */
public enum ChatTemplate {
    /** Text as it is, for base models: the turns' contents, one after the other. */
    NONE {
        @Override
        String render(List<ChatMessage> messages) {
            return messages.stream().map(ChatMessage::content).collect(Collectors.joining("\n"));
        }
    },

    /** ChatML, as flux-tiny, Qwen and many others use it. */
    CHATML {
        @Override
        String render(List<ChatMessage> messages) {
            StringBuilder text = new StringBuilder();
            for (ChatMessage message : messages) {
                text.append("<|im_start|>").append(message.role()).append('\n');
                text.append(message.content()).append("<|im_end|>\n");
            }
            return text.append("<|im_start|>assistant\n").toString();
        }
    },

    /** Llama 3. The begin-of-text token is the engine's to add. */
    LLAMA3 {
        @Override
        String render(List<ChatMessage> messages) {
            StringBuilder text = new StringBuilder();
            for (ChatMessage message : messages) {
                text.append("<|start_header_id|>").append(message.role()).append("<|end_header_id|>\n\n");
                text.append(message.content().strip()).append("<|eot_id|>");
            }
            return text.append("<|start_header_id|>assistant<|end_header_id|>\n\n")
                    .toString();
        }
    },

    /** Gemma. It has no system role: such a turn goes before the first user's text. */
    GEMMA {
        @Override
        String render(List<ChatMessage> messages) {
            StringBuilder text = new StringBuilder();
            String system = "";
            for (ChatMessage message : messages) {
                if (message.role().equals("system")) {
                    system += message.content().strip() + "\n\n";
                    continue;
                }
                String role = message.role().equals("assistant") ? "model" : "user";
                text.append("<start_of_turn>").append(role).append('\n');
                if (role.equals("user")) {
                    text.append(system);
                    system = "";
                }
                text.append(message.content().strip()).append("<end_of_turn>\n");
            }
            return text.append("<start_of_turn>model\n").toString();
        }
    },

    /** Mistral Instruct. A system turn goes before the next user's text. */
    MISTRAL {
        @Override
        String render(List<ChatMessage> messages) {
            StringBuilder text = new StringBuilder();
            String system = "";
            for (ChatMessage message : messages) {
                switch (message.role()) {
                    case "system" -> system += message.content().strip() + "\n\n";
                    case "assistant" ->
                        text.append(' ').append(message.content().strip()).append("</s>");
                    default -> {
                        text.append("[INST] ").append(system);
                        text.append(message.content().strip()).append(" [/INST]");
                        system = "";
                    }
                }
            }
            return text.toString();
        }
    };

    /**
     * The text that makes a model write the assistant's next turn.
     *
     * @param messages at least one turn, oldest first
     */
    abstract String render(List<ChatMessage> messages);

    /** The prompt of a request under this template; a raw one as it is, with the markers that its client wrote. */
    public String render(JobRequest request) {
        if (request.raw()) {
            return request.prompt();
        }
        return render(request.turns().stream()
                .map(message -> new ChatMessage(message.role(), plain(message.content())))
                .toList());
    }

    /** A client's text with no marker in it; as it is, where a conversation is no more than its texts. */
    private String plain(String content) {
        return this == NONE ? content : TemplateMarkers.ofAllModels().plain(content);
    }

    /**
     * The template of that name.
     *
     * @throws IllegalArgumentException when there is none, naming those that exist
     */
    public static ChatTemplate named(String name) {
        for (ChatTemplate template : values()) {
            if (template.name().equalsIgnoreCase(name)) {
                return template;
            }
        }
        throw new IllegalArgumentException("template '" + name + "' is not known; known: "
                + Arrays.stream(values())
                        .map(template -> template.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", ")));
    }
}
