package io.flux.ledger;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;

/**
 * The order in which the jobs of a line are served: those that were given back, then one of each tenant in turn, again
 * and again. That of two jobs of one tenant is the line's own.
 */
final class ServiceOrder {
    /** Where a tenant would be, for jobs that were given back: no tenant's name. */
    private static final String GIVEN_BACK = "!";
    /** Between a member's tenant and its id: the urgency and the arrival, each between spaces. */
    private static final int BEFORE_ID = " 1 0000000000000000 ".length();

    private ServiceOrder() {}

    /**
     * @param tenants those who have jobs in line, the next one first; who is missing comes after them
     * @param members the line
     * @return the jobs' ids, the next one first
     */
    static List<String> of(Collection<String> tenants, Collection<String> members) {
        Map<String, List<String>> jobs = new LinkedHashMap<>();
        tenants.forEach(tenant -> jobs.put(tenant, new ArrayList<>()));
        for (String member : members) {
            String tenant = member.substring(0, member.indexOf(' '));
            jobs.computeIfAbsent(tenant, name -> new ArrayList<>()).add(member.substring(tenant.length() + BEFORE_ID));
        }
        List<String> givenBack = jobs.remove(GIVEN_BACK);
        List<String> order = new ArrayList<>(givenBack == null ? List.of() : givenBack);
        Queue<Iterator<String>> turns = new ArrayDeque<>();
        jobs.values().forEach(ids -> turns.add(ids.iterator()));
        while (!turns.isEmpty()) {
            Iterator<String> next = turns.remove();
            if (next.hasNext()) {
                order.add(next.next());
                turns.add(next);
            }
        }
        return order;
    }
}
