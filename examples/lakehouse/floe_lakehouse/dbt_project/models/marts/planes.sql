select tailnum, year as built_in, type, manufacturer, model, engines, seats, engine from {{ source('raw', 'planes') }}
