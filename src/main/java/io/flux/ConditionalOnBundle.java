package io.flux;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Beans of one route bundle: present only when {@code flux.bundles} names it. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Conditional(ConditionalOnBundle.Selected.class)
@interface ConditionalOnBundle {
    /** The bundle's name. */
    String value();

    /** Reads the list of bundles. */
    class Selected implements Condition {
        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            Map<String, Object> attributes = metadata.getAnnotationAttributes(ConditionalOnBundle.class.getName());
            return attributes != null
                    && Binder.get(context.getEnvironment())
                            .bind("flux.bundles", Bindable.listOf(String.class))
                            .orElse(List.of())
                            .contains(attributes.get("value"));
        }
    }
}
