using Mono.Cecil;

namespace TwoTower.Architecture.Tests;

/// <summary>A type that uses another namespace.</summary>
internal sealed record Use(string Type, string From, string To);

/// <summary>Reads from compiled assemblies which namespace uses which: signatures, attributes and method bodies.</summary>
internal static class NamespaceUses
{
    /// <summary>The uses of one namespace by another, of those under a prefix.</summary>
    public static IEnumerable<Use> Of(ModuleDefinition module, string prefix) =>
        from type in module.GetTypes()
        let place = Outermost(type)
        where IsUnder(place.Namespace, prefix)
        from used in References(type).SelectMany(Flatten).Select(Outermost).Select(used => used.Namespace).Distinct()
        where IsUnder(used, prefix) && used != place.Namespace
        select new Use(place.Name, place.Namespace, used);

    /// <summary>The namespaces that a module has types in.</summary>
    public static IEnumerable<string> Namespaces(ModuleDefinition module, string prefix) =>
        module.Types.Select(type => type.Namespace).Where(name => IsUnder(name, prefix)).Distinct();

    private static bool IsUnder(string name, string prefix) => name == prefix || name.StartsWith(prefix + ".", StringComparison.Ordinal);

    private static TypeReference Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }

    private static IEnumerable<TypeReference?> References(TypeDefinition type)
    {
        yield return type.BaseType;
        foreach (var implemented in type.Interfaces) yield return implemented.InterfaceType;
        foreach (var attribute in Attributes(type)) yield return attribute;
        foreach (
            var constraint in type.GenericParameters.SelectMany(parameter => parameter.Constraints)) yield return constraint.ConstraintType;
        foreach (var field in type.Fields)
        {
            yield return field.FieldType;
            foreach (var attribute in Attributes(field)) yield return attribute;
        }

        foreach (var property in type.Properties)
        {
            foreach (var attribute in Attributes(property)) yield return attribute;
        }

        foreach (var used in type.Methods.SelectMany(References)) yield return used;
    }

    private static IEnumerable<TypeReference?> References(MethodDefinition method)
    {
        foreach (var used in Signature(method)) yield return used;
        foreach (var attribute in Attributes(method)) yield return attribute;
        foreach (var attribute in method.Parameters.SelectMany(Attributes)) yield return attribute;
        foreach (
            var constraint in method.GenericParameters.SelectMany(
                parameter => parameter.Constraints)) yield return constraint.ConstraintType;
        if (!method.HasBody) yield break;
        foreach (var variable in method.Body.Variables) yield return variable.VariableType;
        foreach (var handler in method.Body.ExceptionHandlers) yield return handler.CatchType;
        foreach (var operand in method.Body.Instructions.Select(instruction => instruction.Operand))
        {
            switch (operand)
            {
                case TypeReference type:
                    yield return type;
                    break;
                case FieldReference field:
                    yield return field.DeclaringType;
                    yield return field.FieldType;
                    break;
                case MethodReference called:
                    yield return called.DeclaringType;
                    foreach (var used in Signature(called)) yield return used;
                    break;
            }
        }
    }

    private static IEnumerable<TypeReference> Signature(MethodReference method) =>
        method.Parameters.Select(parameter => parameter.ParameterType)
            .Append(method.ReturnType)
            .Concat(method is GenericInstanceMethod generic ? generic.GenericArguments : []);

    private static IEnumerable<TypeReference> Attributes(ICustomAttributeProvider place) =>
        place.CustomAttributes.SelectMany(attribute => attribute.ConstructorArguments
            .Select(argument => argument.Value).OfType<TypeReference>().Append(attribute.AttributeType));

    // List<Video[]> uses List and Video.
    private static IEnumerable<TypeReference> Flatten(TypeReference? type) => type switch
    {
        null or GenericParameter => [],
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Flatten).Append(generic.ElementType),
        TypeSpecification wrapped => Flatten(wrapped.ElementType),
        _ => [type],
    };
}
