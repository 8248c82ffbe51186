package io.flux.ledger;

import java.util.List;

/**
 * The names of Flux's keys and channels. The braces are Redis Cluster hash tags: all keys of a job share a slot, and all
 * keys of a model share another, as do those of the registry of models and those of a tenant; no script touches two of them.
 */
public final class Keys {
    private Keys() {}

    /** List of tickets, one for each job in line: it wakes workers, and KEDA scales on its length. */
    public static String waiting(String model) {
        return "flux:{" + model + "}:waiting";
    }

    /** Sorted set of the jobs that wait, by tenant, urgency and arrival. */
    public static String line(String model) {
        return "flux:{" + model + "}:line";
    }

    /** Hash of the jobs that wait, by id, with their members of the line. */
    static String places(String model) {
        return "flux:{" + model + "}:places";
    }

    /** Sorted set of the tenants whose jobs wait, by their turn. */
    static String turns(String model) {
        return "flux:{" + model + "}:turns";
    }

    /** Hash of how many jobs of each tenant wait. */
    static String counts(String model) {
        return "flux:{" + model + "}:counts";
    }

    /** The job that a claim got, for one lease. */
    static String claim(String model, String name) {
        return "flux:{" + model + "}:claim:" + name;
    }

    /** Sorted set of running ids, by the expiry of their leases. */
    public static String running(String model) {
        return "flux:{" + model + "}:running";
    }

    /** List of dead-lettered ids. */
    public static String dead(String model) {
        return "flux:{" + model + "}:dead";
    }

    /** Sorted set of ids of jobs that end when nobody follows them, by the time until which somebody does. */
    public static String followed(String model) {
        return "flux:{" + model + "}:followed";
    }

    /** Sorted set of ids of jobs that have a deadline, by that. */
    public static String deadlines(String model) {
        return "flux:{" + model + "}:deadlines";
    }

    /** Hash of the measured time between two ends of jobs. */
    public static String pace(String model) {
        return "flux:{" + model + "}:pace";
    }

    static String reaper(String model) {
        return "flux:{" + model + "}:reaper";
    }

    /** Hash of what processes say about models, sorted set of when they said it, set of all models' names. */
    static List<String> models() {
        return List.of("flux:{models}:announced", "flux:{models}:seen", "flux:{models}:names");
    }

    /** When a tenant's bucket of jobs would be full again; gone when it is. No model is called so, as of the space. */
    static String bucket(String tenant) {
        return "flux:{tenant " + tenant + "}:bucket";
    }

    /** Hash of a job. */
    public static String job(String id) {
        return "flux:{" + id + "}:job";
    }

    static String journal(String id) {
        return "flux:{" + id + "}:journal";
    }

    /** Set of the channels of the gateways that follow a job. */
    public static String followers(String id) {
        return "flux:{" + id + "}:followers";
    }

    /** Channel on which a gateway hears of the jobs that it follows. */
    public static String gatewayChannel(String gatewayId) {
        return "flux:gateway:" + gatewayId;
    }

    /** Channel of a gateway that carries nothing: that it is subscribed to tells that {@link #gatewayChannel} is. */
    public static String gatewaySubscription(String gatewayId) {
        return "flux:gateway:" + gatewayId + ":subscription";
    }

    /** Channel on which a worker hears which of its jobs are to be stopped: {@code <reason> <id>}. */
    public static String workerChannel(String workerId) {
        return "flux:worker:" + workerId;
    }
}
