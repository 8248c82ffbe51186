package io.flux.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flux.job.Event;
import io.flux.job.Refusal;
import io.flux.ledger.Announced;
import io.flux.ledger.Ledger;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which models there are. Every process announces the models that it is configured with, a worker also how many of their
 * slots are open, and reads what the others say; so a gateway needs no list of its own. A model that nobody serves any
 * more stays known for a while: its jobs wait for the next worker.
 *
 * <p>Thread-safe. {@link #announce} and {@link #refresh} block for a round trip to Redis, the rest works on what they have
 * read, except that a name that is not known is looked for once more.
 */
public final class ModelDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(ModelDirectory.class);
    private static final TypeReference<List<ModelDescription>> DESCRIPTIONS = new TypeReference<>() {};
    /** The model that is meant by a request that names none, where nothing else tells. */
    private static final String DEFAULT = "default";

    private final Ledger ledger;
    private final ObjectMapper mapper;
    private final Supplier<List<ModelDescription>> own;
    private final Terms terms;
    /** The only model that is configured here; null when there are more or none. */
    private final String only;

    private volatile Consumer<Set<String>> onAnnounced = served -> {};
    private volatile View view = new View(Map.of(), Map.of(), Set.of());

    /**
     * What does not change.
     *
     * @param process this process's id
     * @param alive how long a process that says nothing counts as serving
     * @param memory how long a model that nobody announces stays known
     */
    public record Terms(String process, Duration alive, Duration memory) {}

    /**
     * What is known at a time.
     *
     * @param models by name
     * @param names the names by every name and alias
     * @param queues the models that there is a queue of
     */
    private record View(Map<String, KnownModel> models, Map<String, String> names, Set<String> queues) {}

    /**
     * @param configured the models of this process; may be empty
     * @param openSlots how many slots of a model are open here
     */
    public ModelDirectory(
            Ledger ledger,
            ObjectMapper mapper,
            List<ModelSpec> configured,
            ToIntFunction<String> openSlots,
            Terms terms) {
        this.ledger = ledger;
        this.mapper = mapper;
        this.own = () -> configured.stream()
                .map(model -> ModelDescription.of(model, openSlots.applyAsInt(model.name())))
                .toList();
        this.terms = terms;
        this.only = configured.size() == 1 ? configured.get(0).name() : null;
    }

    /**
     * Has a listener called after each announcement of this process, when that is in Redis.
     *
     * @param listener called by the announcing thread, with the names of the models that were announced with open slots
     */
    public void onAnnounced(Consumer<Set<String>> listener) {
        onAnnounced = listener;
    }

    /** Tells the other processes what is served here; nothing when no model is configured. */
    public void announce() throws JsonProcessingException {
        List<ModelDescription> models = own.get();
        if (!models.isEmpty()) {
            ledger.announce(
                    terms.process(),
                    mapper.writeValueAsString(models),
                    terms.memory(),
                    models.stream().map(ModelDescription::name).toList());
            onAnnounced.accept(models.stream()
                    .filter(model -> model.slots() > 0)
                    .map(ModelDescription::name)
                    .collect(Collectors.toSet()));
        }
    }

    /**
     * Reads what all processes say.
     *
     * @return the models that there is a queue of
     */
    public Collection<String> refresh() {
        Announced announced = ledger.announced();
        Map<String, KnownModel> models = new LinkedHashMap<>();
        for (Announced.Announcement announcement : announced.announcements()) {
            boolean alive = announcement.age().compareTo(terms.alive()) < 0;
            for (ModelDescription model : read(announcement.json())) {
                KnownModel known = models.getOrDefault(model.name(), KnownModel.of(model));
                models.put(model.name(), alive ? known.servedBy(model) : known);
            }
        }
        Set<String> queues = new TreeSet<>(announced.names());
        // Known here before anybody was told.
        for (ModelDescription model : own.get()) {
            models.putIfAbsent(model.name(), KnownModel.of(model));
            queues.add(model.name());
        }
        view = new View(new TreeMap<>(models), names(models), queues);
        return queues;
    }

    private List<ModelDescription> read(String announcement) {
        try {
            return mapper.readValue(announcement, DESCRIPTIONS);
        } catch (JsonProcessingException e) {
            LOG.warn("an announcement of models cannot be read, another version of Flux may have made it", e);
            return List.of();
        }
    }

    /** A model's own name goes before an alias of another. */
    private static Map<String, String> names(Map<String, KnownModel> models) {
        Map<String, String> names = new LinkedHashMap<>();
        models.keySet().forEach(name -> names.put(name, name));
        models.values().forEach(model -> model.description()
                .aliases()
                .forEach(alias -> names.putIfAbsent(alias, model.description().name())));
        return names;
    }

    /** The models that there is a queue of: all that were ever announced. */
    public Collection<String> queues() {
        return view.queues();
    }

    /** The models that are known, by name. */
    Collection<KnownModel> known() {
        return view.models().values();
    }

    /**
     * The model that a request means.
     *
     * @param name a name or an alias; null when the request names none: then it means the only one that is configured here,
     *     else the only one that is known, else the one that is called {@code default}
     * @param visible which models the request may know of, by their names; the others are not there for it
     * @throws Refusal {@code not_found}, naming the models that there are, or {@code invalid_request} when one has to be
     *     named
     */
    KnownModel find(String requestId, String name, Predicate<String> visible) {
        KnownModel known = lookUp(name, visible);
        if (known == null) {
            refresh(); // it may just have come
            known = lookUp(name, visible);
        }
        if (known != null) {
            return known;
        }
        List<String> names = names(visible);
        if (names.isEmpty()) {
            throw notFound(
                    requestId, name == null ? "no model is served" : "model " + name + " is not served; none is");
        }
        String all = String.join(", ", names);
        throw name == null
                ? new Refusal(
                        Event.Error.answer(requestId, "invalid_request", "model is required; known: " + all, "model"))
                : notFound(requestId, "model " + name + " is not served; known: " + all);
    }

    private static Refusal notFound(String requestId, String message) {
        return new Refusal(Event.Error.answer(requestId, "not_found", message, "model"));
    }

    private List<String> names(Predicate<String> visible) {
        return view.models().keySet().stream().filter(visible).toList();
    }

    private KnownModel lookUp(String name, Predicate<String> visible) {
        View now = view;
        String wanted = name;
        if (name == null) {
            List<String> names = names(visible);
            wanted = only != null && visible.test(only) ? only : names.size() == 1 ? names.get(0) : DEFAULT;
        }
        String found = now.names().get(wanted);
        return found == null || !visible.test(found) ? null : now.models().get(found);
    }
}
