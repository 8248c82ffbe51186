package io.flux.feed;

import org.apache.camel.Exchange;
import org.apache.camel.processor.aggregate.GroupedBodyAggregationStrategy;

/**
 * Puts the rows of a split table together again, those that say why they have no answer too. Camel's own strategy goes on
 * with the exchange of the first row, and so with the note that its error was handled, at which a route ends: a table whose
 * first row is bad would have no answers.
 */
public final class RowsInOrder extends GroupedBodyAggregationStrategy {
    @Override
    public Exchange aggregate(Exchange before, Exchange row) {
        Exchange table = super.aggregate(before, row);
        table.getExchangeExtension().setErrorHandlerHandled(null);
        return table;
    }
}
