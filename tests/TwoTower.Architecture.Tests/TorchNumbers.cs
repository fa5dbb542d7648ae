using Mono.Cecil;

namespace TwoTower.Architecture.Tests;

/// <summary>
/// Finds who hands torch a number that nothing holds. TorchSharp makes a <c>Scalar</c> of a double, takes its handle and calls torch: from
/// then on the garbage collector may free the number, also before torch has read it (dotnet/TorchSharp, pull request 1434).
/// </summary>
internal static class TorchNumbers
{
    /// <summary>"caller → called" for each call of a module into TorchSharp that makes such a number, itself or further down.</summary>
    public static IEnumerable<string> Of(ModuleDefinition module, ModuleDefinition torch)
    {
        var makers = Makers(torch);
        return
            from type in module.GetTypes()
            from method in type.Methods
            from called in Called(method)
            where makers.Contains(called.FullName)
            select $"{type.FullName}.{method.Name} → {called.DeclaringType.Name}.{called.Name}({string.Join(", ", called.Parameters.Select(parameter => parameter.ParameterType.Name))})";
    }

    private static HashSet<string> Makers(ModuleDefinition torch)
    {
        var callers = (
            from type in torch.GetTypes()
            from method in type.Methods
            from called in Called(method)
            select (Called: called.FullName, Caller: method.FullName)).ToLookup(call => call.Called, call => call.Caller);
        var found = torch.GetTypes().Where(type => type.FullName == "TorchSharp.Scalar").SelectMany(type => type.Methods)
            .Where(method => method.Name == "op_Implicit").Select(method => method.FullName).ToHashSet();
        for (var open = new Queue<string>(found); open.TryDequeue(out var one);)
        {
            foreach (var caller in callers[one].Where(found.Add)) open.Enqueue(caller);
        }

        return found;
    }

    private static IEnumerable<MethodReference> Called(MethodDefinition method) =>
        method.HasBody ? method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>() : [];
}
